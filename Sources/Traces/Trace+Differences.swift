extension Trace {
  /// How a trace differs from another, first differences first; empty if they are equal.
  ///
  /// Equal means: every column bit for bit, every attribute, except what depends on the clock
  /// (`seconds`, `forward_seconds`, `decide_seconds`, `created`, `timing`).
  ///
  /// - Parameter limit: differences listed at most.
  public func differences(from other: Trace, limit: Int = 10) -> [String] {
    var lines: [String] = []
    func compare(_ name: String, _ mine: String, _ theirs: String) {
      if mine != theirs { lines.append("attribute \(name): `\(mine.prefix(80))` against `\(theirs.prefix(80))`") }
    }
    compare("config", attributes.config, other.attributes.config)
    compare("run_digest", attributes.runDigest, other.attributes.runDigest)
    compare("model_digest", attributes.modelDigest, other.attributes.modelDigest)
    compare("status", attributes.status.rawValue, other.attributes.status.rawValue)
    compare("level", attributes.level, other.attributes.level)
    compare("vocabulary", "\(String(describing: attributes.vocabulary))", "\(String(describing: other.attributes.vocabulary))")
    compare("k", "\(candidates)", "\(other.candidates)")
    for group in TraceSchema.groups {
      guard let mine = self[group.name], let theirs = other[group.name] else {
        if self[group.name] != nil || other[group.name] != nil { lines.append("/\(group.name): only one of the traces has it") }
        continue
      }
      for field in group.fields where !field.isTime {
        if field.name == "complete", (mine[field.name] == nil) != (theirs[field.name] == nil) {
          lines.append("/\(group.name)/complete: only one of the traces has incomplete samples")
        }
        guard let a = mine[field.name], let b = theirs[field.name], let row = a.firstDifference(from: b) else { continue }
        lines.append("/\(group.name)/\(field.name)[\(row)]: \(a.text(at: row)) against \(b.text(at: row)) (\(a.count) and \(b.count) values)")
      }
    }
    return Array(lines.prefix(limit))
  }
}
