internal import CKernels

extension Pass {
  /// The feed-forward part of a layer with experts.
  ///
  /// Which experts see a row, and with what weight, depends on that row alone. A row's outputs are added in order of expert, then the shared one's, so that its
  /// bits do not depend on who else is in the batch.
  ///
  /// Legend: C experts that see a row, N = R * C pairs of a row and an expert, sorted by expert.
  func apply(_ experts: Transformer.Experts, _ x: UnsafePointer<Float>, _ count: Int, to out: UnsafeMutablePointer<Float>) {
    guard let mixture = shape.mixture else { return }
    let width = shape.width
    let routes = route(experts, mixture, x, count)
    let pairs = count * mixture.chosen
    // Pairs by expert: a counting sort, rows of an expert in order.
    var starts = [Int](repeating: 0, count: mixture.experts + 1)
    for choice in routes { starts[choice.expert + 1] += 1 }
    for expert in 0..<mixture.experts { starts[expert + 1] += starts[expert] }
    var next = starts
    let places = routes.map { choice in
      defer { next[choice.expert] += 1 }
      return next[choice.expert]
    }
    let inputs = scratch.buffer(.routed, pairs * stride)
    let outputs = scratch.buffer(.routedOutput, pairs * stride)
    workers.split(pairs) { range in
      for pair in range { (inputs + places[pair] * stride).update(from: x + pair / mixture.chosen * stride, count: width) }
    }
    let feedStride = AlignedFloats.stride(mixture.width)
    let most = (0..<mixture.experts).reduce(0) { max($0, starts[$1 + 1] - starts[$1]) }
    let memory = (0..<workers.count).map {
      (gate: scratch.buffer(.routedGate($0), most * feedStride), up: scratch.buffer(.routedUp($0), most * feedStride))
    }
    workers.run(mixture.experts) { worker, expert in
      let (first, rows) = (starts[expert], starts[expert + 1] - starts[expert])
      if rows == 0 { return }
      let (part, gate, up) = (experts.all[expert], memory[worker].gate, memory[worker].up)
      let x = part.gate.rows(inputs + first * stride, stride: stride, count: rows)
      part.gate.apply(x, to: gate, stride: feedStride, panels: 0..<part.gate.panels)
      part.up.apply(x, to: up, stride: feedStride, panels: 0..<part.up.panels)
      unmask_swiglu(gate, up, feedStride, rows, mixture.width)
      part.down.apply(
        part.down.rows(gate, stride: feedStride, count: rows), to: outputs + first * stride, stride: stride, panels: 0..<part.down.panels)
    }
    if let shared = experts.shared { apply(shared, x, count, to: out) }
    let hasShared = experts.shared != nil
    workers.split(count) { range in
      for row in range {
        let sum = outputs + places[row * mixture.chosen] * stride
        for slot in 0..<mixture.chosen {
          let pair = row * mixture.chosen + slot
          let (weight, part) = (routes[pair].weight, outputs + places[pair] * stride)
          for column in 0..<width { sum[column] = slot == 0 ? weight * part[column] : sum[column] + weight * part[column] }
        }
        let to = out + row * stride
        for column in 0..<width { to[column] = hasShared ? sum[column] + to[column] : sum[column] }
      }
    }
  }

  /// The experts of each row, `C` a row and in order of expert.
  private func route(_ experts: Transformer.Experts, _ mixture: Mixture, _ x: UnsafePointer<Float>, _ count: Int) -> [Routing.Choice] {
    let scoreStride = AlignedFloats.stride(mixture.experts)
    let scores = scratch.buffer(.scores, count * scoreStride)
    linear(experts.router, x, stride, count, to: scores, scoreStride)
    var choices = [Routing.Choice](repeating: .init(expert: 0, weight: 0), count: count * mixture.chosen)
    choices.withUnsafeMutableBufferPointer { places in
      nonisolated(unsafe) let places = places
      workers.split(count) { range in
        var routing = Routing(mixture, bias: experts.bias)
        for row in range { routing.choose(scores + row * scoreStride, into: places.extracting(row * mixture.chosen..<(row + 1) * mixture.chosen)) }
      }
    }
    return choices
  }
}
