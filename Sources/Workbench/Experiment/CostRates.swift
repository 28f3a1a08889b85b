internal import Diffusion
internal import Models

/// How fast the models of some runs are, measured when first asked for: once for each model and way of reading rows.
struct CostRates {
  private struct Kind: Hashable {
    let model: String
    let reading: Reading
  }

  /// Canvases and rows of the runs of one model: what its passes must cover.
  private var lengths: [String: ClosedRange<Int>] = [:]
  private var blocks: [String: Int] = [:]
  private var known: [Kind: CostModel?] = [:]

  init(_ plans: [RunPlan]) throws(RunError) {
    for plan in plans {
      let digest = plan.model.digest
      let problem = plan.benchmark.problem(0, of: plan.selection.split)
      do throws(ConfigurationError) {
        let canvas = try plan.canvas(problem)
        let length = canvas.prompt.count + canvas.response.count
        let range = lengths[digest] ?? length...length
        lengths[digest] = min(range.lowerBound, length)...max(range.upperBound, length)
        let rows = plan.needs.positions(in: canvas).count
        blocks[digest] = max(blocks[digest] ?? 1, rows)
      } catch { throw .configuration(error) }
    }
  }

  /// The model of a run's model; nil where it could not be measured, which decoding it will say why.
  mutating func model(of plan: RunPlan, while shouldContinue: () -> Bool) -> CostModel? {
    let kind = Kind(model: plan.model.digest, reading: plan.needs.reading)
    if let found = known[kind] { return found }
    let calibration = CostCalibration(lengths: lengths[kind.model] ?? 1...1, asked: 1...(blocks[kind.model] ?? 1), reading: kind.reading)
    let model: CostModel?
    do { model = try calibration.measure(plan.model.denoiser, plan.model.configuration, while: shouldContinue) } catch { model = nil }
    known[kind] = .some(model)
    return model
  }
}
