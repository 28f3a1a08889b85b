internal import Diffusion

/// Decodes the same prompt under several block lengths, and several times where it samples, and lets the final answers vote.
///
/// Members share every batch, so a vote takes as many rounds as its slowest member.
/// HEX (arXiv 2510.05040), section 4; its released `HEX.py` and `most_frequent_elements_exclude_None_and_tie_lownll`.
struct Hex: Strategy {
  static let name = "hex"
  static let summary = "decode under several block lengths and vote on the final answers"
  static let source = "HEX, arXiv 2510.05040"
  static let role = Role.wrapper

  /// When the vote is taken: after the last member, or once the rest cannot change it.
  enum Stop: String, CaseIterable, Sendable { case all, majority }

  /// One decode of its own.
  private struct Member {
    var canvas: Canvas
    var pipeline: Pipeline
    var decisions = 0
    /// Its views and their places in the round's batch.
    var shown: [View] = []
    var places = 0..<0
  }

  private let blocks: [Int]
  private let samples: Int
  private let sampling: Sampling
  private let tie: Vote.Tie
  private let stop: Stop
  private let bases: [Pipeline]
  private let answer: @Sendable (ArraySlice<Token>) -> String?
  private var members: [Member] = []
  /// What the model believed before any token was there: the yardstick of a tie.
  private var opening: Belief?

  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    let context = parameters.context
    let length = context.genLength
    let fitting = [8, 16, 32, 64].filter { length % $0 == 0 }
    blocks = try parameters.ints(
      "blocks", default: fitting.isEmpty ? [length] : fitting, named: ["authors": [32, 16, 8, 4, 2].map { max(length / $0, 1) }], in: 1...max(length, 1),
      "block lengths, each a divisor of gen_length; `authors`: a 32nd to a half of gen_length")
    samples = try parameters.int("samples", default: 1, in: 1...1024, "members per block length; they differ only where tokens are drawn")
    let temperature = try parameters.number("temperature", default: context.sampling.temperature, in: 0..., "of the members' tokens")
    tie = try parameters.choice("tie", default: Vote.Tie.first, "among the most frequent answers: the first member's, or the most likely path's")
    stop = try parameters.choice("stop", default: Stop.all, "`majority` stops as soon as no other answer can win or draw level")
    sampling = Sampling(temperature: temperature, topP: context.sampling.topP, topK: context.sampling.topK)
    guard !blocks.isEmpty, blocks.allSatisfy({ length % $0 == 0 }) else {
      throw ConfigurationError.outOfRange(key: "blocks", value: "\(blocks)", expected: "divisors of gen_length (\(length))").at(path: Self.name)
    }
    var surroundings: [Parameters.Context] = []
    for block in blocks {
      var own = context
      (own.blockLength, own.sampling) = (block, sampling)
      surroundings.append(own)
    }
    // Two tokens a round, as the authors decode, where that can be split over blocks.
    let steps = blocks.allSatisfy { $0 % 2 == 0 } ? max(length / 2, 1) : length
    bases = try parameters.bases(default: [["quota": ["steps": .init(.integer(steps))]]], in: surroundings, "how each member decodes")
    answer = Self.reader(context)
    if bases.contains(where: { $0.rules.contains { $0 is Hex } }) {
      throw ConfigurationError.composition("a vote over votes; put every block length into one `blocks`").at(path: Self.name)
    }
    if let rule = bases[0].rules.first(where: { type(of: $0).editsLengths }) {
      throw ConfigurationError.composition("\(type(of: rule).name) edits lengths, and a vote needs responses of one length").at(path: Self.name)
    }
  }

  /// What a response votes for: the benchmark's answer in its text, or its text where there is no benchmark.
  private static func reader(_ context: Parameters.Context) -> @Sendable (ArraySlice<Token>) -> String? {
    let (decode, extract) = (context.decode, context.extract)
    return { tokens in
      guard let decode else { return tokens.map(String.init).joined(separator: " ") }
      let text = decode(Array(tokens))
      return extract.map { $0(text) } ?? text
    }
  }

  var needs: Needs {
    let working = members.isEmpty ? bases : members.filter { !$0.canvas.isComplete }.map(\.pipeline)
    var needs = working.reduce(Needs()) { $0.union($1.needs) }
    if sampling.temperature > 0 { needs.fullRows = true }
    if tie == .nll, opening == nil { (needs.rows, needs.fullRows) = (.response, true) }
    return needs
  }

  mutating func views(of canvas: Canvas) -> [View] {
    if members.isEmpty {
      for (block, base) in zip(blocks, bases) {
        guard let own = canvas.restarted(blockLength: block) else { continue }
        members += Array(repeating: Member(canvas: own, pipeline: base), count: samples)
      }
    }
    var views: [View] = []
    for index in members.indices where !members[index].canvas.isComplete {
      members[index].shown = members[index].pipeline.views(of: members[index].canvas)
      members[index].places = views.count..<views.count + members[index].shown.count
      // Branches of different members never meet.
      views += members[index].shown.map { shown in
        var view = shown
        (view.branch, view.parent) = (shown.branch * members.count + index, shown.parent * members.count + index)
        return view
      }
    }
    return views
  }

  mutating func decide(_ step: inout Step) {
    if tie == .nll, opening == nil { opening = step.views[0].belief.proposing(by: .greedy) }
    for index in members.indices where !members[index].canvas.isComplete {
      let (shown, places) = (members[index].shown, members[index].places)
      let seen = zip(shown, step.views[places]).map { Step.Seen(view: $0, belief: $1.belief.proposing(by: sampling)) }
      guard let first = seen.first else { continue }
      var sub = step.substep(on: members[index].canvas, believing: first.belief, index: members[index].decisions, member: index, views: seen)
      members[index].pipeline.decide(&sub)
      step.note(sub, branch: index)
      members[index].canvas = sub.canvas
      members[index].canvas.settle()
      members[index].decisions += sub.decisions
      for (view, branch) in sub.survivors ?? shown.indices.map({ ($0, shown[$0].branch) }) {
        step.keep(view: places.lowerBound + view, as: branch * members.count + index)
      }
    }
    let done = members.filter(\.canvas.isComplete)
    let answers = done.map { answer($0.canvas.response.prefix { $0 != step.shown.vocabulary.end }) }
    guard done.count == members.count || stop == .majority && Vote.isDecided(answers, missing: members.count - done.count) else { return step.pass() }
    let likelihoods = done.map { member in opening.map { Vote.likelihood(of: member.canvas.response, under: $0) } ?? 0 }
    let winner = Vote.winner(answers, likelihoods: likelihoods, tie: tie) ?? 0
    for position in step.masked { step.reveal(position, as: done[winner].canvas.response[position]) }
  }
}
