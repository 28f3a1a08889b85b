import Diffusion
import Foundation
import Models
import Support

@testable import Commands
@testable import Traces
@testable import Workbench

/// Traces to look at: decodes of the toy model with every kind of edit, spelled by a tokenizer that means harm.
enum ReplayFixture {
  static let toy = ToyDenoiser(sharpness: 3)

  /// What the toy's tokens spell; token 22 ends, 23 is the mask.
  static let words = [
    "red", " sun", "3", "</script><script>window.harmed = true</script>", "<!-- <script>", "\u{2028}", "\u{202E}evil", "\u{1B}[2J", "\n", "∎", "▒", " ",
    "{{data}}", " 汉字", "\u{301}", "\"}],\\", "&amp;", "<img src=x onerror='window.harmed = true'>", "\t", "]]>", "'", "\0", "<|end|>", "<|mask|>",
  ]

  static func tokenizer() throws -> Tokenizer {
    let vocabulary = words.enumerated().map { Setting.Entry($1, Setting(.integer($0))) }
    let json: Setting = [
      "version": "1.0", "truncation": Setting(.null), "added_tokens": [], "normalizer": Setting(.null), "pre_tokenizer": Setting(.null),
      "post_processor": Setting(.null), "decoder": ["type": "Fuse"], "model": ["type": "BPE", "vocab": Setting(.map(vocabulary)), "merges": []],
    ]
    return try Tokenizer(json: Array(json.json.utf8), name: "words.json")
  }

  /// A rule that reveals, replaces, remasks, inserts, deletes, tries an edit on another branch and passes.
  static var everything: Custom {
    Custom(needs: Needs(.window)) { step in
      let open = step.open
      let held = step.canvas.response.indices.first { !step.canvas.isMasked($0) && !step.canvas.pinned[$0] }
      switch step.index {
      case 0: step.pass()
      case 1: open.prefix(3).forEach { step.reveal($0) }
      case 2:
        if let held { step.replace(held, with: 5) }
        step.insertMask(before: 2)
        step.insertMask(before: step.shown.response.count)
      case 3:
        if let held { step.remask(held) }
        step.delete(step.shown.response.count - 1)
        var draft = step.substep(on: step.canvas, believing: step.belief, index: step.index)
        if let next = draft.open.last { draft.reveal(next) }
        step.note(draft, branch: 1)
      default:
        if let best = open.first { step.reveal(best) }
      }
    }
  }

  /// A rule that takes back what it revealed two rounds before, a few times.
  static var hesitant: Custom {
    Custom { step in
      if step.index % 3 == 2, step.index < 9, let held = step.revocable.first { step.remask(held) }
      for position in step.open.prefix(2) { step.reveal(position) }
    }
  }

  /// A decode with its rounds as they were, and as a trace holds them.
  struct Decode {
    let rounds: [Round]
    let sample: SampleTrace
  }

  static func decode(_ canvas: Canvas, _ rules: [any Strategy], problem: String = "p", level: TraceLevel = .beliefs(4)) throws -> Decode {
    let decoded = try Support.decode(canvas, rules, with: toy, observed: level.needs)
    if let error = decoded.error { throw error }
    var builder = TraceBuilder(canvas: canvas, problem: problem, seed: 0, level: level)
    for round in decoded.rounds { builder.record(round) }
    return Decode(rounds: decoded.rounds, sample: builder.finish(correct: 1, seconds: 0.25))
  }

  /// Decodes of every shape: lengths that change, pinned tokens, remasks, one block and several.
  static func decodes(level: TraceLevel = .beliefs(4)) throws -> [Decode] {
    [
      try decode(.toy(16, blocks: 8, seed: 1), [everything], problem: "shapes", level: level),
      try decode(.toy(24, blocks: 8, seed: 2, pinned: [1: 4, 6: 7, 20: 22]), [hesitant], problem: "pinned", level: level),
      try decode(.toy(16, blocks: 16, seed: 3), [Threshold(0.4)], problem: "threshold", level: level),
      try decode(.toy(12, blocks: 1, seed: 4), [OneByOne()], problem: "narrow", level: level),
      try decode(.toy(4, blocks: 4, seed: 5, pinned: [0: 1, 1: 2, 2: 3, 3: 4]), [OneByOne()], problem: "given", level: level),
    ]
  }

  static func trace(_ samples: [SampleTrace], level: TraceLevel = .beliefs(4), strategy: String = "threshold") throws -> Trace {
    let config = #"{"strategy":[{"\#(strategy)":{"confidence":0.4}}]}"#
    return try Trace(
      attributes: Trace.Attributes(config: config, runDigest: "run", modelDigest: "model", level: level, vocabulary: toy.vocabulary), samples: samples)
  }

  static func source(_ samples: [SampleTrace], level: TraceLevel = .beliefs(4), strategy: String = "threshold") throws -> ReplaySource {
    try ReplaySource(try trace(samples, level: level, strategy: strategy), file: "trace.h5", tokenizer: try tokenizer())
  }

  private typealias Written = (kind: Edit.Kind, position: Int, token: Token, confidence: Double, author: String)

  /// Four rounds over eight positions in two blocks, written by hand: one token is given, one is taken back.
  static func written() throws -> SampleTrace {
    let canvas = try Canvas(prompt: [0, 1, 8], length: 8, blockLength: 4, vocabulary: toy.vocabulary, pinned: [5: 2])
    return write(
      canvas, "lists/test/7",
      [
        [(.reveal, 0, 0, 0.953, "threshold"), (.reveal, 1, 1, 0.912, "threshold")], [(.remask, 1, -1, 0.4, "saber"), (.reveal, 2, 2, 0.999_987, "threshold")],
        [(.reveal, 1, 13, 0.87, "progress"), (.reveal, 3, 22, 0.9, "progress")],
        [(.reveal, 4, 22, 0.99, "threshold"), (.reveal, 6, 22, 0.99, "threshold"), (.reveal, 7, 22, 0.99, "threshold")],
      ])
  }

  /// Every token, one a round, in prompt and response, under names that mean harm too.
  static func hostile() throws -> SampleTrace {
    let tokens = words.indices.dropLast().map(Token.init)
    let canvas = try Canvas(prompt: tokens, length: tokens.count, blockLength: tokens.count, vocabulary: toy.vocabulary)
    let harm = "</script><script>window.harmed = true</script>{{script}}"
    return write(canvas, harm, tokens.map { [(.reveal, Int($0), $0, 0.75, harm)] })
  }

  private static func write(_ canvas: Canvas, _ problem: String, _ rounds: [[Written]]) -> SampleTrace {
    var sample = SampleTrace(problem: problem, seed: 0, canvas: canvas)
    var canvas = canvas
    var beliefs = RecordedBeliefs(candidates: 2)
    for (index, edits) in rounds.enumerated() {
      sample.rounds.append(
        RecordedRound(
          index: index, kind: .ordinary, cost: Cost(canvases: 1, positions: 11, logitRows: 4), window: canvas.window, masked: canvas.masked.count,
          forwardSeconds: 0, decideSeconds: 0, isFinal: index == rounds.count - 1))
      for (kind, position, token, confidence, author) in edits {
        var edit = Edit(kind, at: position, token: token)
        (edit.confidence, edit.margin, edit.entropy, edit.author) = (confidence, confidence - 0.1, 0.25, author)
        sample.edits.append(RecordedEdit(round: index, edit: edit))
        canvas.apply(edit)
        if kind == .remask { continue }
        beliefs.round.append(index)
        beliefs.position.append(position)
        beliefs.logSumExp.append(0)
        beliefs.entropy.append(0.25)
        beliefs.topTokens += [token, 4]
        beliefs.topLogits += [Float(log(confidence)), Float(log(0.01))]
      }
      canvas.settle()
    }
    sample.beliefs = beliefs
    (sample.response, sample.answerTokens) = (canvas.recorded, canvas.answerTokens)
    (sample.roundCount, sample.correct) = (rounds.count, 1)
    return sample
  }

  /// Two decodes of the same problems that part after a few rounds, as one trace each.
  static func pair() throws -> [ReplaySource] {
    let canvases = try ["one": Canvas.toy(24, blocks: 8, seed: 7, pinned: [2: 3]), "two": Canvas.toy(16, blocks: 16, seed: 8)].sorted { $0.key < $1.key }
    let rules: [[any Strategy]] = [[Threshold(0.5)], [hesitant]]
    return try zip(rules, ["threshold", "hesitant"]).map { rules, name in
      try source(try canvases.map { try decode($0.value, rules, problem: $0.key).sample }, strategy: name)
    }
  }

  static func sides(_ sources: [ReplaySource], _ problem: String? = nil) throws -> [ReplaySide] {
    try sources.map { ReplaySide(source: $0, playback: try $0.playback(of: problem)) }
  }
}
