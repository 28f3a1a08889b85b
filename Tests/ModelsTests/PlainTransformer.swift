import Foundation
import Models

/// The architecture written out in float64 and plain loops: what the fast one is checked against.
struct PlainTransformer {
  let shape: ModelConfiguration
  private var tensors: [String: [Double]] = [:]

  init(directory: String) throws {
    let reader = try ConfigurationReader(directory + "/config.json")
    shape = try ModelFamily.of(reader).configuration(reader)
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
    let half = head.count / 2
    return head.indices.map { index in
      let angle = Double(position) / pow(shape.rotaryBase, Double(2 * (index % half)) / Double(head.count))
      let other = index < half ? -head[index + half] : head[index - half]
      return head[index] * cos(angle) + other * sin(angle)
    }
  }

  /// Logits of every row.
  func logits(_ tokens: [Int32], positions: [Int]? = nil, sees: (Int, Int) -> Bool = { _, _ in true }) -> [[Double]] {
    let table = tensors["model.transformer.wte.weight"] ?? []
    var x = tokens.map { Array(table[Int($0) * shape.width..<(Int($0) + 1) * shape.width]) }
    let width = shape.headWidth
    func heads(_ row: [Double]) -> [[Double]] { stride(from: 0, to: row.count, by: width).map { Array(row[$0..<$0 + width]) } }
    for layer in 0..<shape.layers {
      let prefix = "model.transformer.blocks.\(layer)."
      let normed = x.map { norm(prefix + "attn_norm", $0) }
      let turn = { (name: String) in
        normed.enumerated().map { row, value in heads(linear(prefix + name, value)).map { rotated($0, positions?[row] ?? row) } }
      }
      let (q, k, v) = (turn("q_proj"), turn("k_proj"), normed.map { heads(linear(prefix + "v_proj", $0)) })
      for row in x.indices {
        var mixed: [Double] = []
        for head in 0..<shape.heads {
          let group = head / (shape.heads / shape.keyValueHeads)
          let scores = x.indices.map { key in
            sees(row, key) ? zip(q[row][head], k[key][group]).reduce(0) { $0 + $1.0 * $1.1 } / Double(width).squareRoot() : -.infinity
          }
          let top = scores.max() ?? 0
          let shares = scores.map { exp($0 - top) }
          let total = shares.reduce(0, +)
          for index in 0..<width { mixed.append(x.indices.reduce(0) { $0 + shares[$1] / total * v[$1][group][index] }) }
        }
        x[row] = zip(x[row], linear(prefix + "attn_out", mixed)).map(+)
      }
      for row in x.indices {
        let value = norm(prefix + "ff_norm", x[row])
        let gated = zip(linear(prefix + "ff_proj", value), linear(prefix + "up_proj", value)).map { $0 / (1 + exp(-$0)) * $1 }
        x[row] = zip(x[row], linear(prefix + "ff_out", gated)).map(+)
      }
    }
    return x.map { row in
      let last = norm("model.transformer.ln_f", row)
      return linear(shape.tiedEmbeddings ? "model.transformer.wte" : "model.transformer.ff_out", last).map { $0 * Double(shape.logitScale) }
    }
  }
}
