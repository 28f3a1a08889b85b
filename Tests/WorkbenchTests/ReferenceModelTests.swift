import Diffusion
import Foundation
import Models
import Strategies
import Testing

@testable import Workbench

/// Promises that have to hold on a trained model, not only on toys.
@Suite struct ReferenceModelTests {
  static let bases: [Setting] = [
    ["quota"], [["threshold": ["confidence": 0.7]]], ["credit", ["threshold": ["confidence": 0.8]]], ["localleap"], ["saber"], ["quota", "sched"],
  ]

  /// Decodes one problem of each benchmark and gives the edits and what they cost.
  private func decodes(_ rules: Setting) throws -> [(edits: [[Int]], response: [Token], rounds: Int, canvases: Int)] {
    let experiment = try Experiment([
      "benchmark": [["name": "lists", "split": "dev", "limit": 1], ["name": "arithmetic", "split": "dev", "limit": 1]], "strategies": ["s": rules],
    ])
    return try experiment.plans(catalog: .standard, benchmarks: .standard, load: ModelLibrary.load).map { plan in
      let problem = plan.benchmark.problem(5, of: .dev)
      var edits: [[Int]] = []
      let session = try Session(id: 0, canvas: try plan.canvas(problem), pipeline: plan.pipeline)
      let outcome = Decoder(plan.model.denoiser).decode([session]) { _, round in
        edits += round.edits.filter { $0.branch == Edit.main }.map { [Int($0.kind.rawValue), $0.position, Int($0.token)] }
      }
      guard case .finished(let done)? = outcome[0] else { throw RunError.encoding("\(String(describing: outcome[0]))") }
      return (edits, done.canvas.response, done.rounds, done.cost.canvases)
    }
  }

  /// FreeDave, exact matching: the base's text and decisions, never more rounds.
  @Test(arguments: bases.indices) func draftsChangeNothing(_ index: Int) throws {
    let alone = try decodes(Self.bases[index])
    for drafts in [2, 4, 8, 16] {
      let drafted = try decodes([["freedave": ["drafts": Setting(.integer(drafts)), "base": Self.bases[index]]]])
      for (base, ahead) in zip(alone, drafted) {
        #expect(ahead.edits == base.edits && ahead.response == base.response)
        #expect(ahead.rounds <= base.rounds && ahead.canvases >= ahead.rounds)
      }
    }
  }

  /// Every reference response and an end token fit the benchmark's canvas, in this tokenizer.
  @Test(arguments: BenchmarkConformance.all) func answersFitTheirGeometry(_ name: String) throws {
    let benchmark = try BenchmarkCatalog.standard.benchmark(named: name)
    let model = try ModelLibrary.load("reference")
    let tokenizer = try #require(model.tokenizer)
    for problem in benchmark.problems(0..<300, of: .test) {
      let answer = tokenizer.encode(problem.answer)
      #expect(answer.count < type(of: benchmark).geometry.genLength)
      #expect(tokenizer.encode(problem.prompt).count + type(of: benchmark).geometry.genLength <= model.denoiser.maxLength)
      #expect(try benchmark.grade(tokenizer.decode(answer), problem).isCorrect)
    }
  }
}
