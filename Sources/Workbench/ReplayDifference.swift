internal import Diffusion

/// Where two decodes of the same problem part: the first round after which their canvases differ.
package struct ReplayDifference: Sendable, Hashable {
  /// The frame: 0 where they differ from the start.
  package let frame: Int
  /// The first position that differs then.
  package let position: Int

  /// The first difference of two decodes that run side by side, one round each; a decode that has ended stays as it is. Nil if they never differ.
  package init?(_ a: Playback, _ b: Playback) {
    for frame in 0..<max(a.frames.count, b.frames.count) {
      if let position = Self.positions(a, b, frame: frame).first {
        self.frame = frame
        self.position = position
        return
      }
    }
    return nil
  }

  /// Positions that hold different tokens after as many rounds, those that only one of the responses has included.
  package static func positions(_ a: Playback, _ b: Playback, frame: Int) -> [Int] {
    let (left, right) = (a.frames[min(frame, a.roundCount)].cells, b.frames[min(frame, b.roundCount)].cells)
    return (0..<max(left.count, right.count)).filter { position in
      guard left.indices.contains(position), right.indices.contains(position) else { return true }
      return left[position].token != right[position].token
    }
  }
}
