public import Diffusion
public import Models

/// What model calls are made of, counted: the part of their cost that no machine changes. `CostModel` gives each unit its seconds.
///
/// Legend: P positions computed, L positions of the canvas that they see, A rows asked for, D width, F feed-forward width, V vocabulary. In the last layer only
/// the rows asked for go beyond keys and values, and the counts say so.
public struct CostUnits: Sendable, Hashable {
  /// Model calls: what a call costs however small it is.
  public var calls = 0.0
  /// Weights read: every weight of the layers and the head once a call, of experts those that are chosen.
  public var weights = 0.0
  /// Multiply-adds of the linear layers, about `P (4 D² + 3 D F)` a layer.
  public var linear = 0.0
  /// Multiply-adds of attention's two products, `2 P L D` a layer.
  public var attention = 0.0
  /// Multiply-adds of the head, `A V D`.
  public var head = 0.0
  /// Logits summarised, `A V`.
  public var logits = 0.0

  /// No calls.
  public init() {}

  /// Calls of one model.
  ///
  /// - Parameters:
  ///   - cost: canvases, positions computed and rows asked for, of all calls together.
  ///   - length: L, of each canvas.
  ///   - calls: model calls.
  public init(_ shape: ModelConfiguration, _ cost: Cost, length: Int, calls: Int = 1) {
    let (positions, asked) = (Double(cost.positions), Double(cost.logitRows))
    let width = Double(shape.width)
    let queries = Double(shape.heads * shape.headWidth)
    let keys = Double(shape.keyValueHeads * shape.headWidth)
    let live = (0..<shape.layers).filter { !shape.skippedLayers.contains($0) }
    self.calls = Double(calls)
    for layer in live {
      let rows = layer == live.last ? asked : positions
      var (applied, held) = (3 * width * Double(shape.feedForward), 3 * width * Double(shape.feedForward))
      if let mixture = shape.mixture, !mixture.denseLayers.contains(layer) {
        let always = width * Double(3 * mixture.sharedWidth + mixture.experts)
        let expert = 3 * width * Double(mixture.width)
        applied = always + Double(mixture.chosen) * expert
        // Few rows choose few experts; the others stay unread.
        held = always + min(Double(mixture.experts), Double(mixture.chosen) * rows / max(Double(calls), 1)) * expert
      }
      linear += positions * 2 * width * keys + rows * (2 * width * queries + applied)
      attention += rows * Double(length) * 2 * queries
      weights += Double(calls) * (2 * width * (queries + keys) + held)
    }
    head = asked * width * Double(shape.vocabularySize)
    weights += Double(calls) * width * Double(shape.vocabularySize)
    logits = asked * Double(shape.vocabularySize)
  }

  /// The counts in the order of their declaration.
  public var values: [Double] { [calls, weights, linear, attention, head, logits] }

  /// Counts in the order of their declaration; missing ones are 0.
  init(values: [Double]) {
    let all = values + [Double](repeating: 0, count: max(0, 6 - values.count))
    (calls, weights, linear, attention, head, logits) = (all[0], all[1], all[2], all[3], all[4], all[5])
  }

  /// The counts of both.
  public static func += (sum: inout CostUnits, other: CostUnits) { sum = CostUnits(values: zip(sum.values, other.values).map(+)) }

  /// So many times the counts.
  public static func * (units: CostUnits, factor: Double) -> CostUnits { CostUnits(values: units.values.map { $0 * factor }) }
}
