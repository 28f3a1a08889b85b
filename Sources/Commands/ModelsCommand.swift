internal import ArgumentParser
internal import Diffusion
internal import Models
internal import Workbench

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "The models that ship, or the facts of one.",
    discussion: """
      EXAMPLES
        unmask models
        unmask models path/to/LLaDA-8B-Instruct --json
        unmask models 'path/to/LLaDA-8B-Instruct?rope_length=16384'
        unmask models 'path/to/LLaDA-8B-Instruct?worker=torch&device=cuda'

      Wherever a model is named, options may stand behind a question mark, with & between them:
        skip_layers=3+4     leave layers out, counted from 0; never the first or the last
        rope_length=16384   stretch rotary positions for texts of that length, as LongLLaDA does; with rope_trained=N where training was not on 4096
        rope_scale=14       the same by the factor itself
        precision=int8      multiply bytes: less exact, several times faster, one byte a weight
        worker=torch        PyTorch computes, in a process of its own; device=cuda, dtype=bfloat16, batch=8, threads=4, remote_code=true go with it
      An experiment may write model: {path: DIR, skip_layers: [3, 4]}. Options are part of a run's identity.
      """)

  @Argument(help: "A shipped model's name or a checkpoint directory.") var name: String?
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    var facts: [Setting] = []
    for name in try name.map({ [$0] }) ?? ModelLibrary.names() {
      let model = try ModelLibrary.load(name)
      let vocabulary = model.denoiser.vocabulary
      facts.append([
        "name": Setting(.text(name)), "family": Setting(.text(model.family)), "parameters": Setting(.integer(model.configuration.parameterCount)),
        "vocabulary": Setting(.integer(vocabulary.size)), "mask": Setting(.integer(Int(vocabulary.mask))), "end": Setting(.integer(Int(vocabulary.end))),
        "max_length": Setting(.integer(model.denoiser.maxLength)), "digest": Setting(.text(model.digest)), "directory": Setting(.text(model.directory)),
      ])
    }
    if json { return Terminal.out((name == nil ? Setting(.list(facts)) : facts[0]).json) }
    for fact in facts {
      guard case .map(let entries) = fact.value else { continue }
      Terminal.out(TextTable(entries.map { [$0.key, $0.value.description] }).text)
    }
  }
}
