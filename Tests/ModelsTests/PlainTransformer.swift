import Foundation
import Models

/// The architectures written out in float64 and plain loops: what the fast one is checked against.
struct PlainTransformer {
  let shape: ModelConfiguration
  private let names: TensorNames
  private var tensors: [String: [Double]] = [:]

  init(directory: String) throws {
    let reader = try ConfigurationReader(directory + "/config.json")
    let family = try ModelFamily.of(reader)
    shape = try family.configuration(reader)
    names = family.tensors
    for (name, tensor) in try SafetensorsFile(directory + "/model.safetensors").tensors { tensors[name] = try tensor.values().map(Double.init) }
  }

  private func linear(_ name: String, _ x: [Double]) -> [Double] {
    guard let weight = tensors[name + ".weight"] else { return [] }
    let bias = tensors[name + ".bias"]
    return (0..<weight.count / x.count).map { row in
      var sum = bias?[row] ?? 0
      for (index, value) in x.enumerated() { sum += weight[row * x.count + index] * value }
      return sum
    }
  }

  private func norm(_ name: String, _ x: [Double]) -> [Double] {
    let scale = 1 / (x.reduce(0) { $0 + $1 * $1 } / Double(x.count) + Double(shape.normEpsilon)).squareRoot()
    return zip(tensors[name + ".weight"] ?? [], x).map { $0 * $1 * scale }
  }

  private func rotated(_ head: [Double], _ position: Int) -> [Double] {
    let (width, half) = (shape.rotaryWidth, shape.rotaryWidth / 2)
    return head.indices.map { index in
      if index >= width { return head[index] }
      let angle = Double(position) / pow(shape.rotaryBase, Double(2 * (index % half)) / Double(width))
      let other = index < half ? -head[index + half] : head[index - half]
      return head[index] * cos(angle) + other * sin(angle)
    }
  }

  private func gated(_ gate: String, _ up: String, _ down: String, _ x: [Double]) -> [Double] {
    linear(down, zip(linear(gate, x), linear(up, x)).map { $0 / (1 + exp(-$0)) * $1 })
  }

  private func expert(_ place: String, _ x: [Double]) -> [Double] { gated(place + "gate_proj", place + "up_proj", place + "down_proj", x) }

  /// The experts that see a row, and their weights.
  private func choice(_ mixture: Mixture, _ prefix: String, _ x: [Double]) -> [(expert: Int, weight: Double)] {
    let router = mixture.router
    let logits = linear(prefix + names.router, x)
    let total = logits.reduce(0) { $0 + exp($1) }
    var scores = logits.map { router.score == .softmax ? exp($0) / total : 1 / (1 + exp(-$0)) }
    let biased = zip(scores, tensors[prefix + names.routerBias] ?? Array(repeating: 0, count: scores.count)).map(+)
    if router.bias == .scores { scores = biased }
    let size = mixture.experts / router.groups
    let sums = (0..<router.groups).map { biased[$0 * size..<($0 + 1) * size].sorted(by: >).prefix(2).reduce(0, +) }
    let groups = Set(sums.indices.sorted { (sums[$1], $0) < (sums[$0], $1) }.prefix(router.chosenGroups))
    let open = biased.indices.filter { groups.contains($0 / size) }
    let chosen = open.sorted { (biased[$1], $0) < (biased[$0], $1) }.prefix(mixture.chosen)
    let sum = router.isNormalized ? chosen.reduce(0) { $0 + scores[$1] } : 1
    return chosen.map { ($0, scores[$0] / sum * Double(router.scale)) }
  }

  private func feedForward(_ layer: Int, _ prefix: String, _ x: [Double]) -> [Double] {
    guard let mixture = shape.mixture, !mixture.denseLayers.contains(layer) else {
      return gated(prefix + names.gate, prefix + names.up, prefix + names.down, x)
    }
    var sum = mixture.sharedWidth > 0 ? expert(prefix + names.shared, x) : x.map { _ in 0 }
    for (index, weight) in choice(mixture, prefix, x) {
      sum = zip(sum, expert(prefix + names.experts + "\(index).", x)).map { $0 + weight * $1 }
    }
    return sum
  }

  /// Queries, keys and values of a row, head by head, before they are rotated.
  private func projections(_ prefix: String, _ x: [Double]) -> (q: [[Double]], k: [[Double]], v: [[Double]]) {
    func heads(_ row: some Collection<Double>) -> [[Double]] {
      stride(from: 0, to: row.count, by: shape.headWidth).map { Array(row.dropFirst($0).prefix(shape.headWidth)) }
    }
    var q: [[Double]]
    var k: [[Double]]
    let v: [[Double]]
    if let name = names.queryKeyValue {
      let all = heads(linear(prefix + name, x))
      q = Array(all[..<shape.heads])
      k = Array(all[shape.heads..<shape.heads + shape.keyValueHeads])
      v = Array(all[(shape.heads + shape.keyValueHeads)...])
    } else {
      q = heads(linear(prefix + names.query, x))
      k = heads(linear(prefix + names.key, x))
      v = heads(linear(prefix + names.value, x))
    }
    if shape.queryKeyNorm { (q, k) = (q.map { norm(prefix + names.queryNorm, $0) }, k.map { norm(prefix + names.keyNorm, $0) }) }
    return (q, k, v)
  }

  /// Logits of every row.
  func logits(_ tokens: [Int32], positions: [Int]? = nil, sees: (Int, Int) -> Bool = { _, _ in true }) -> [[Double]] {
    let table = tensors[names.embedding + ".weight"] ?? []
    var x = tokens.map { Array(table[Int($0) * shape.width..<(Int($0) + 1) * shape.width]) }
    let width = shape.headWidth
    let at = { (row: Int) in positions?[row] ?? row }
    for layer in 0..<shape.layers {
      let prefix = names.layerPrefix + "\(layer)."
      let parts = x.map { projections(prefix, norm(prefix + names.attentionNorm, $0)) }
      let q = parts.enumerated().map { row, part in part.q.map { rotated($0, at(row)) } }
      let k = parts.enumerated().map { row, part in part.k.map { rotated($0, at(row)) } }
      for row in x.indices {
        var mixed: [Double] = []
        for head in 0..<shape.heads {
          let group = head / (shape.heads / shape.keyValueHeads)
          let scores = x.indices.map { key in
            let isOpen = sees(row, key) && (shape.attentionBlock.map { at(key) / $0 <= at(row) / $0 } ?? true)
            return isOpen ? zip(q[row][head], k[key][group]).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot() : -.infinity
          }
          let top = scores.max() ?? 0
          let shares = scores.map { exp($0 - top) }
          let total = shares.reduce(0, +)
          for index in 0..<width { mixed.append(x.indices.reduce(0) { $0 + shares[$1] / total * parts[$1].v[group][index] }) }
        }
        x[row] = zip(x[row], linear(prefix + names.attentionOutput, mixed)).map(+)
      }
      for row in x.indices { x[row] = zip(x[row], feedForward(layer, prefix, norm(prefix + names.feedForwardNorm, x[row]))).map(+) }
    }
    return x.map { linear(shape.tiedEmbeddings ? names.embedding : names.head, norm(names.finalNorm, $0)).map { $0 * Double(shape.logitScale) } }
  }
}
