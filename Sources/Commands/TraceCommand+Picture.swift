internal import ArgumentParser
internal import Diffusion
internal import Models
internal import Traces
internal import Workbench

extension TraceCommand {
  struct Picture: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "A decode as one SVG picture: a row per round, a column per position; several traces stand side by side.",
      discussion: """
        EXAMPLE
          unmask trace picture results/first-light/*/trace.h5 --sample lists/test/7 > decode.svg
        """)

    @Argument(help: "Trace files; those without the sample are left out.") var traces: [String]
    @Option(help: "A sample's problem, as lists/test/7. Default: the first sample.") var sample: String?
    @Option(help: "The model whose tokenizer spells the tokens.") var model = "reference"

    func run() throws {
      let tokenizer = try ModelLibrary.tokenizer(model)
      var panels: [(title: String, sample: SampleTrace)] = []
      var end: Token?
      var known: [String] = []
      for file in traces {
        let trace = try TraceFile.read(file)
        end = end ?? trace.attributes.vocabulary?.end
        let samples = try trace.samples()
        known += samples.prefix(3).map(\.problem)
        let wanted = self.sample ?? samples.first?.problem
        guard let found = samples.first(where: { $0.problem == wanted }) else { continue }
        let authors = Set(found.edits.map(\.edit.author)).subtracting(["progress"]).sorted().joined(separator: " + ")
        panels.append(("\(found.problem)  \(authors)", found))
      }
      guard !panels.isEmpty else {
        throw ConfigurationError.unknownName(name: sample ?? "", kind: "sample in these traces", known: known)
      }
      let picture = try DecodePicture(panels) { token in
        token == end ? nil : tokenizer.token(token).map { $0.hasPrefix(" ") ? String($0.dropFirst()) : $0 } ?? "\(token)"
      }
      Terminal.out(picture.svg, terminator: "")
    }
  }
}
