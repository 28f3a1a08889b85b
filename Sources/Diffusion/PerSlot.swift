/// Memory of a strategy, one value per response slot; it follows the slot through insertions and deletions.
public struct PerSlot<Value: Sendable>: Sendable {
  private var values: [Value] = []
  private let initial: Value

  /// Every slot, present or to come, starts with `initial`.
  public init(_ initial: Value) { self.initial = initial }

  /// The value of a slot.
  public subscript(slot: Slot) -> Value {
    get { slot.id < values.count ? values[slot.id] : initial }
    set {
      if slot.id >= values.count { values.append(contentsOf: repeatElement(initial, count: slot.id + 1 - values.count)) }
      values[slot.id] = newValue
    }
  }
}
