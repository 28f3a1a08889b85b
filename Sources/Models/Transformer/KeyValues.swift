/// Keys (rotated) and values of every row of one sequence in every layer, from passes at different times.
///
/// Written by one pass at a time; whoever shares it between trajectories copies it before it is written.
package final class KeyValues {
  /// Rows.
  package let rows: Int
  /// Floats of a row: keys of all heads, then values.
  let width: Int
  private let layers: [AlignedFloats]

  /// Room for `rows` rows in every layer of a model.
  package convenience init(_ model: Transformer, rows: Int) {
    self.init(rows: rows, width: 2 * model.configuration.keyValueHeads * model.configuration.headWidth, layers: model.layers.count)
  }

  private init(rows: Int, width: Int, layers: Int) {
    self.rows = rows
    self.width = width
    self.layers = (0..<layers).map { _ in AlignedFloats(count: rows * width) }
  }

  /// The first row of a layer; rows are `width` floats apart.
  func layer(_ index: Int) -> UnsafeMutablePointer<Float> { layers[index].pointer }

  /// The same in other memory.
  package func copy() -> KeyValues {
    let copy = KeyValues(rows: rows, width: width, layers: layers.count)
    for (from, to) in zip(layers, copy.layers) { to.pointer.update(from: from.pointer, count: from.count) }
    return copy
  }

  /// Bytes taken.
  package var bytes: Int { layers.count * rows * width * MemoryLayout<Float>.stride }
}
