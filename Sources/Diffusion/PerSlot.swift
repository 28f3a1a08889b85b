/// Memory of a strategy, one value per response slot; it follows the slot through insertions and deletions.
public struct PerSlot<Value: Sendable>: Sendable {
  private var values: [Value] = []
  private let initial: Value

  /// Every slot, present or to come, starts with `initial`.
  public init(_ initial: Value) { self.initial = initial }

  /// The value of a slot.
  public subscript(slot: Slot) -> Value {
    get { values.indices.contains(slot.id) ? values[slot.id] : initial }
    set {
      guard slot.id >= 0 else { return }
      if slot.id >= values.count { values.append(contentsOf: repeatElement(initial, count: slot.id + 1 - values.count)) }
      values[slot.id] = newValue
    }
  }
}
