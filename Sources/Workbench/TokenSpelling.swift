package import Diffusion
package import Models

/// How tokens are shown to people: nothing that a token spells can move a cursor, turn the direction of text, or stay unseen.
package struct TokenSpelling: Sendable {
  /// What stands for a masked position.
  package static let mask = "▒"
  /// What stands for an end token.
  package static let end = "∎"

  private let tokenizer: Tokenizer?
  private let end: Token?

  /// Spelling by a tokenizer; without one, tokens are shown as their ids.
  package init(_ tokenizer: Tokenizer?, end: Token?) {
    self.tokenizer = tokenizer
    self.end = end
  }

  /// A token as it stands in a cell: short, without the space that most words begin with.
  package func cell(_ token: Token) -> String {
    if token < 0 { return Self.mask }
    if token == end { return Self.end }
    guard let text = tokenizer?.token(token), !text.isEmpty else { return "\(token)" }
    let visible = Self.visible(text.count > 1 && text.hasPrefix(" ") ? String(text.dropFirst()) : text, spaces: "␣")
    // A token that spells a sign of ours must not be taken for it.
    return [Self.mask, Self.end].contains(visible) ? "'\(visible)'" : visible
  }

  /// A token in full, in quotes, with its id.
  package func exact(_ token: Token) -> String {
    guard token >= 0, let text = tokenizer?.token(token) else { return token < 0 ? "mask" : "token \(token)" }
    return "‘\(Self.visible(text))’ (\(token))"
  }

  /// What a token writes, as it is; nil without a tokenizer.
  package func piece(_ token: Token) -> String? { token >= 0 ? tokenizer?.token(token) : nil }

  /// The text of some tokens, special ones left out; without a tokenizer their ids.
  package func text(_ tokens: [Token]) -> String {
    guard let tokenizer else { return tokens.map { "\($0)" }.joined(separator: " ") }
    return Self.visible(tokenizer.decode(tokens), keepingLines: true)
  }

  /// Text with everything that is not seen, or moves what is seen, replaced by something that is.
  package static func visible(_ text: String, spaces: Character = " ", keepingLines: Bool = false) -> String {
    var shown = ""
    for (index, scalar) in text.unicodeScalars.enumerated() {
      switch scalar.properties.generalCategory {
      case _ where scalar == " ": shown.append(spaces)
      case _ where scalar == "\n": shown += keepingLines ? "\n" : "⏎"
      case _ where scalar == "\t": shown += "⇥"
      case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
        shown += "‹" + String(scalar.value, radix: 16, uppercase: true) + "›"
      case .nonspacingMark, .enclosingMark, .spacingMark:
        // A mark without a letter sits on a circle of its own.
        if index == 0 { shown += "◌" }
        shown.unicodeScalars.append(scalar)
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }

  /// Columns that a text takes on a terminal: two for East Asian wide letters and pictures, none for marks over other letters.
  package static func columns(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { sum, scalar in
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark: sum
      default: sum + (wide.contains { $0.contains(scalar.value) } ? 2 : 1)
      }
    }
  }

  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
    0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD,
  ]

  /// A text cut to some columns, with a sign where something was cut.
  package static func cut(_ text: String, to limit: Int) -> String {
    guard columns(text) > limit else { return text }
    var kept = ""
    for character in text {
      guard columns(kept) + columns(String(character)) < limit else { break }
      kept.append(character)
    }
    return kept + "…"
  }
}
