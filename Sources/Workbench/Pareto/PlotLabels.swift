/// Finds room for short texts beside points, so that none covers a point or another text. Where there is no room there is no text.
struct PlotLabels {
  /// A text with its place in pixels from the lower left corner: the middle of its left edge.
  struct Label {
    let text: String
    let place: (x: Double, y: Double)
    /// Where a line to the point begins; nil for a text so near that it needs none.
    let lead: (x: Double, y: Double)?
  }

  private struct Box {
    let left: Double
    let right: Double
    let bottom: Double
    let top: Double

    func overlap(_ other: Box) -> Double {
      max(0, min(right, other.right) - max(left, other.left)) * max(0, min(top, other.top) - max(bottom, other.bottom))
    }
  }

  private let width: Double
  private let height: Double
  private let size: Double
  /// What no text may touch.
  private var taken: [Box]
  /// What a text had better not touch.
  private let lines: [Box]

  /// - Parameters:
  ///   - size: the height of the letters in pixels.
  ///   - points: middles and radii of the points.
  ///   - bars: from, to: lines that run along an axis.
  init(width: Double, height: Double, size: Double, points: [(x: Double, y: Double, radius: Double)], bars: [(x: ClosedRange<Double>, y: ClosedRange<Double>)])
  {
    self.width = width
    self.height = height
    self.size = size
    taken = points.map { Box(left: $0.x - $0.radius, right: $0.x + $0.radius, bottom: $0.y - $0.radius, top: $0.y + $0.radius) }
    lines = bars.map {
      Box(left: $0.x.lowerBound - 0.5, right: $0.x.upperBound + 0.5, bottom: $0.y.lowerBound - 0.5, top: $0.y.upperBound + 0.5)
    }
  }

  /// A place for a text beside a point; nil if there is none.
  mutating func place(_ text: String, beside x: Double, _ y: Double, radius: Double) -> Label? {
    // As wide as a plain sans-serif sets them, in shares of the height.
    let wide = text.reduce(1) { $0 + (".,:;'ijlt-I() ".contains($1) ? 0.3 : "mwMW".contains($1) ? 0.85 : 0.556) * size }
    var best: (box: Box, cost: Double, ring: Double)?
    for ring in [2.0, 6.0, 10.0, 15.0, 21.0, 28.0] {
      let away = radius + ring
      for (h, v) in [(-1.0, 1.0), (1.0, -1.0), (0.0, 1.0), (1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (1.0, 1.0), (-1.0, -1.0)] {
        let reach = h != 0 && v != 0 ? away * 0.75 : away
        let left = x + h * reach - (h < 0 ? wide : h == 0 ? wide / 2 : 0)
        let bottom = y + v * reach - (v < 0 ? size : v == 0 ? size / 2 : 0)
        let box = Box(left: left, right: left + wide, bottom: bottom, top: bottom + size)
        guard box.left >= 1, box.right <= width - 1, box.bottom >= 1, box.top <= height - 1 else { continue }
        guard taken.allSatisfy({ $0.overlap(box) == 0 }) else { continue }
        // A line through a text costs as much as some distance.
        let cost = ring + lines.reduce(0) { $0 + $1.overlap(box) } * 0.35
        if best.map({ cost < $0.cost }) ?? true { best = (box, cost, ring) }
      }
    }
    guard let (box, _, ring) = best else { return nil }
    taken.append(Box(left: box.left - 1.5, right: box.right + 1.5, bottom: box.bottom - 0.5, top: box.top + 0.5))
    let near = (x: min(max(x, box.left), box.right), y: min(max(y, box.bottom), box.top))
    return Label(text: text, place: (box.left, (box.bottom + box.top) / 2), lead: ring > 2 ? near : nil)
  }
}
