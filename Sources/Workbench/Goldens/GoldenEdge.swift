internal import Diffusion

/// A setting moved to exactly where decisions change: there a bar that turns from inclusive to exclusive, or back, changes them.
package struct GoldenEdge: Sendable, Hashable {
  /// The setting in a file's name, as `confidence` or `gaps.0`.
  let name: String
  /// The setting with its value.
  let label: String
  /// The rules with it.
  let rules: Setting
}

/// Finds edges, for any strategy: each of its numbers is moved from where it stands until decisions change, and between there and here the two neighbouring
/// float64 numbers are found that decide differently.
///
/// A rule that asks `value >= bar` changes between a value and the next number above it, one that asks `value > bar` between it and the next below. So of the
/// two neighbours one is met exactly, and a golden on it catches a bar that changes from one kind to the other. Where rules say what they compared, it is known
/// which of the two; else it is the one that is a ratio of small whole numbers, as the exact model's confidences are.
///
/// An edge that is no such ratio came out of a cosine or a logarithm. Its last digit is another machine's own, and it is left out.
struct GoldenEdgeFinder {
  /// Decodes under some rules; nil where they cannot be built or decoded.
  let decode: (Setting) -> GoldenDecoder.Decoded?

  /// Numbers tried, beside the half and the double of where a setting stands.
  private static let probes: [Double] = [-1, -0.5, 0, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 40]

  /// One number among the settings of a list of rules.
  private struct Place {
    let rule: Int
    let key: String
    let element: Int?
    let value: Double
    let name: String
  }

  /// The edges of resolved settings.
  func edges(of settings: Setting) -> [GoldenEdge] {
    guard let standing = decode(settings)?.decisions else { return [] }
    return Self.places(in: settings).flatMap { place in
      let variant = { (value: Double) in Self.replacing(place, with: value, in: settings) }
      let probes = Self.probes + [place.value / 2, place.value * 2]
      // The nearest change on either side.
      return [probes.filter { $0 < place.value }.sorted(by: >), probes.filter { $0 > place.value }.sorted()].flatMap { side -> [GoldenEdge] in
        guard let far = side.first(where: { probe in decode(variant(probe)).map { $0.decisions != standing } ?? false }) else { return [] }
        let pair = neighbours(place.value, far, standing, variant)
        return telling(pair, variant).map { value in
          GoldenEdge(name: "\(place.name)-\(value)", label: "\(place.name)=\(value)", rules: variant(value))
        }
      }
    }
  }

  /// Two neighbouring numbers between `near`, which decides as it stands, and `far`, which does not, that decide differently.
  private func neighbours(_ near: Double, _ far: Double, _ standing: [[GoldenDecision]], _ variant: (Double) -> Setting) -> [Double] {
    var (same, other) = (Self.rank(near), Self.rank(far))
    // Ranks reach over almost all of Int64: their difference may need the 64th bit, and halfway is taken without adding them.
    while UInt64(bitPattern: max(same, other) &- min(same, other)) > 1 {
      let middle = (same & other) + ((same ^ other) >> 1)
      let decided = decode(variant(Self.number(middle)))?.decisions
      if decided == standing { same = middle } else { other = middle }
    }
    return [same, other].sorted().map(Self.number)
  }

  /// The one of two neighbours that a rule says it met: a bar that moved with the setting, and was met on this side alone. Where none says so, the ratio; both
  /// where neither is one, but for rounding; none of what is rounding alone.
  private func telling(_ pair: [Double], _ variant: (Double) -> Setting) -> [Double] {
    guard let ratio = Self.ratio(near: pair[0]) else { return [] }
    let sides = pair.compactMap { decode(variant($0)) }
    guard sides.count == 2 else { return [] }
    let met = [(0, 1), (1, 0)].filter { mine, other in !sides[mine].ties.subtracting(sides[other].bars).isEmpty }.map { pair[$0.0] }
    if met.count == 1 { return met }
    if pair.contains(ratio) { return [ratio] }
    return ratio == 0 ? [] : pair
  }

  /// The ratio of whole numbers, the lower one up to 1000, that a number is but for rounding.
  private static func ratio(near value: Double) -> Double? {
    (1...1000).lazy.map { (value * Double($0)).rounded() / Double($0) }.first { abs($0 - value) <= 1e-12 * max(1, abs(value)) }
  }

  /// Finite numbers counted in order: neighbours differ by 1.
  private static func rank(_ number: Double) -> Int64 {
    let bits = Int64(bitPattern: number.bitPattern)
    return bits >= 0 ? bits : Int64.min &- bits
  }

  private static func number(_ rank: Int64) -> Double { Double(bitPattern: UInt64(bitPattern: rank >= 0 ? rank : Int64.min &- rank)) }

  /// Every number that is not a whole one, rule by rule.
  private static func places(in settings: Setting) -> [Place] {
    guard case .list(let rules) = settings.value else { return [] }
    var places: [Place] = []
    for (index, rule) in rules.enumerated() {
      guard case .map(let named) = rule.value, let entry = named.first, case .map(let keys) = entry.value.value else { continue }
      for setting in keys {
        let name = rules.count > 1 ? "\(entry.key).\(setting.key)" : setting.key
        switch setting.value.value {
        case .number(let value): places.append(Place(rule: index, key: setting.key, element: nil, value: value, name: name))
        case .list(let items):
          for (element, item) in items.enumerated() {
            guard case .number(let value) = item.value else { continue }
            places.append(Place(rule: index, key: setting.key, element: element, value: value, name: "\(name).\(element)"))
          }
        default: break
        }
      }
    }
    return places
  }

  private static func replacing(_ place: Place, with value: Double, in settings: Setting) -> Setting {
    guard case .list(var rules) = settings.value, case .map(let named) = rules[place.rule].value, let entry = named.first,
      case .map(let keys) = entry.value.value
    else { return settings }
    let changed = keys.map { setting in
      guard setting.key == place.key else { return setting }
      guard let element = place.element, case .list(var items) = setting.value.value else { return Setting.Entry(setting.key, Setting(.number(value))) }
      items[element] = Setting(.number(value))
      return Setting.Entry(setting.key, Setting(.list(items)))
    }
    rules[place.rule] = Setting(.map([Setting.Entry(entry.key, Setting(.map(changed)))]))
    return Setting(.list(rules))
  }
}
