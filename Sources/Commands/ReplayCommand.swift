internal import ArgumentParser
internal import Diffusion
internal import Foundation
internal import Models
internal import Traces
internal import Workbench

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Play a trace in the terminal, write it as a web page, or ask it what would have been.",
    discussion: """
      In a terminal: space plays, arrows (or h l, j k) move by rounds and positions, g and G go to the ends, 12 and enter to round 12, d to the first
      difference, [ and ] change the speed, q quits. Elsewhere every round is printed, or the one asked for. Rounds count from 1; 0 is the canvas before the first.
      Signs: \(ReplayGrid.legend(2)).
      A page takes samples with up to 2,000,000 positions times rounds together.

      EXAMPLES
        unmask replay TRACE --sample lists/test/7
        unmask replay TRACE --sample lists/test/7 --against OTHER --html replay.html
        unmask replay TRACE --round 3 --json
        unmask replay TRACE --verify
        unmask replay TRACE --verify --tape
        unmask replay TRACE --what-if 'threshold: {confidence: 0.8}'
      """)

  @Argument(help: "A trace file.") var trace: String
  @Option(help: "A sample's problem, as lists/test/7. Default: the first; with --verify and --what-if all. `all` puts all on a page.") var sample: String?
  @Option(help: "The model that made the trace: its tokenizer spells the tokens. Default: reference.") var model: String?
  @Option(help: "Write a web page that needs no network.") var html: String?
  @Option(help: "Another trace of the same problem, shown beside the first.") var against: String?
  @Option(help: "Only this round, or begin with it.") var round: Int?
  @Flag(help: "Run the model again and compare every round.") var verify = false
  @Flag(help: "With --verify: the recorded beliefs stand in for the model, so that a strategy is tested without any weights.") var tape = false
  @OptionGroup var whatIf: ReplayWhatIf.Options
  @Flag(help: "Print JSON.") var json = false

  private static let all = "all"

  func validate() throws {
    let wishes = [verify, whatIf.isAsked, html != nil].count { $0 }
    if wishes > 1 { throw ValidationError("give one of --verify, --what-if (with --without, --set, --oracle) and --html") }
    if against != nil, verify || whatIf.isAsked { throw ValidationError("--against goes with watching and --html") }
    if tape, !verify { throw ValidationError("--tape goes with --verify; --what-if asks the trace first by itself") }
    if tape, model != nil { throw ValidationError("--tape does without a model; leave --model out") }
    if let round, round < 0 { throw ValidationError("--round is 0 or more") }
    if round != nil, wishes > 0 { throw ValidationError("--round goes with watching and --json") }
    if json, html != nil { throw ValidationError("--json and --html are two different outputs") }
    if sample == Self.all, wishes == 0 { throw ValidationError("--sample all goes with --html, --verify and --what-if; one sample is watched at a time") }
  }

  func run() throws {
    let trace = try TraceFile.read(self.trace)
    let one = sample == Self.all ? nil : sample
    if verify { return try ReplayVerify.run(trace: trace, path: self.trace, sample: one, model: model ?? Self.standard, isTape: tape, json: json) }
    if whatIf.isAsked {
      return try ReplayWhatIf.run(trace: trace, path: self.trace, sample: one, model: model ?? Self.standard, options: whatIf, json: json)
    }
    var sources = [try source(trace, file: self.trace)]
    if let against { sources.append(try source(try TraceFile.read(against), file: against)) }
    if let html { return try writePage(sources, to: html) }
    let problem = try sources[0].playback(of: one).sample.problem
    let sides = try sources.map { ReplaySide(source: $0, playback: try $0.playback(of: problem)) }
    let rounds = sides.map(\.playback.roundCount).max() ?? 0
    if let round, round > rounds { throw ConfigurationError.outOfRange(key: "--round", value: "\(round)", expected: "0 to \(rounds)") }
    if !json, Terminal.isInteractive(STDIN_FILENO), Terminal.isInteractive(STDOUT_FILENO) { try watch(sides) } else { list(sides, rounds) }
  }

  private func watch(_ sides: [ReplaySide]) throws {
    try ReplayTerminal.play(ReplayScreen(sides, ink: Terminal.hasColour ? .colours : .attributes, frame: round ?? 0))
  }

  private func list(_ sides: [ReplaySide], _ rounds: Int) {
    let frames = ReplayFrames(sides)
    if json { return Terminal.out(frames.json(round: round).json) }
    Terminal.out(frames.header)
    for number in round.map({ $0...$0 }) ?? 0...rounds { Terminal.out(frames.text(number, isDetailed: round != nil)) }
  }

  private func writePage(_ sources: [ReplaySource], to file: String) throws {
    try TraceFile.check(destination: file, apartFrom: [trace, against].compactMap(\.self))
    let first = try sources[0].playback(of: sample == Self.all ? nil : sample).sample.problem
    let others = sources.dropFirst().map { Set($0.names) }
    let problems = sample == Self.all ? sources[0].names.filter { name in others.allSatisfy { $0.contains(name) } } : [first]
    let page = try ReplayPage(sources, problems: problems)
    try DurableFile.replace(file, with: Array(page.html.utf8))
    Terminal.note("\(file): \(problems.count == 1 ? first : "\(problems.count) samples"), \(page.html.utf8.count) bytes")
  }

  private static let standard = "reference"

  /// A trace with the tokenizer that spells it. Unless a model is named, the shipped one is taken where it can have made the trace.
  private func source(_ trace: Trace, file: String) throws -> ReplaySource {
    if let model { return try ReplaySource(trace, file: file, tokenizer: try ModelLibrary.tokenizer(model)) }
    let tokenizer = try ModelLibrary.tokenizer(Self.standard)
    if try ModelLibrary.digest(Self.standard) == trace.attributes.modelDigest { return try ReplaySource(trace, file: file, tokenizer: tokenizer) }
    guard trace.attributes.vocabulary?.size == tokenizer.size else {
      Terminal.note("\(file): made by another model than \(Self.standard); --model DIR spells its tokens")
      return try ReplaySource(trace, file: file, tokenizer: nil)
    }
    Terminal.note("\(file): made by another model than \(Self.standard); its tokens are spelled by \(Self.standard) and may be wrong without --model DIR")
    return try ReplaySource(trace, file: file, tokenizer: tokenizer)
  }
}
