package import Diffusion
package import Models

extension Problem {
  /// The canvas it is decoded on: given spans pinned, gaps as long as the reference's, everything after the last span masked.
  ///
  /// - Parameters:
  ///   - pinned: positions pinned beside those; where both pin one, they have to agree.
  ///   - chat: a chat template that the prompt is put through, as the one turn of a user.
  package func canvas(
    _ geometry: Geometry, tokenizer: Tokenizer, vocabulary: Vocabulary, pinned: [Int: Token] = [:], chat: ChatTemplate? = nil
  ) throws(ConfigurationError) -> Canvas {
    var pins = pinned
    let pieces = spans.map { tokenizer.encode($0.text) }
    let whole = Array(pieces.joined())
    guard spans.isEmpty || whole == tokenizer.encode(answer) else {
      throw .unsupported("\(id) pins text span by span, and this tokenizer's tokens reach across the borders of its spans")
    }
    guard spans.isEmpty || whole.count <= geometry.genLength else {
      throw .outOfRange(key: "gen_length", value: "\(geometry.genLength)", expected: "at least \(whole.count), the tokens of \(id)")
    }
    var position = 0
    for (span, tokens) in zip(spans, pieces) {
      for token in tokens {
        if span.isGiven, let other = pins.updateValue(token, forKey: position), other != token {
          throw .composition("\(id) pins token \(token) at position \(position), and `pinned` asks for \(other)")
        }
        position += 1
      }
    }
    let asked = tokenizer.encode(try ChatLibrary.text(prompt, chat))
    return try Canvas(
      prompt: asked, length: geometry.genLength, blockLength: geometry.blockLength, vocabulary: vocabulary, pinned: pins)
  }
}
