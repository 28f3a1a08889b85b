internal import Foundation

/// An axis: which values it spans, and where each lies on it.
struct PlotScale {
  let low: Double
  let high: Double
  let isLogarithmic: Bool
  /// Pixels.
  let length: Double

  /// An axis around values; logarithmic where asked for and where positive values span a decade.
  ///
  /// - Parameters:
  ///   - margin: room on both sides, as a share of the length.
  ///   - limits: what the axis never goes beyond.
  init(_ values: [Double], length: Double, canBeLogarithmic: Bool, margin: Double, limits: ClosedRange<Double>) {
    let known = values.filter(\.isFinite)
    let (least, most) = (known.min() ?? 0, known.max() ?? 1)
    isLogarithmic = canBeLogarithmic && least > 0 && most / least >= 10
    self.length = length
    func place(_ value: Double) -> Double { canBeLogarithmic && least > 0 && most / least >= 10 ? log(value) : value }
    func value(_ place: Double) -> Double { canBeLogarithmic && least > 0 && most / least >= 10 ? exp(place) : place }
    // A single value still gets an axis.
    let span = max(place(most) - place(least), abs(place(most)) * 0.02, 1e-9)
    low = max(value(place(least) - span * margin), limits.lowerBound)
    high = min(value(place(most) + span * margin), limits.upperBound)
  }

  /// Pixels from the low end.
  func pixel(_ value: Double) -> Double { (place(value) - place(low)) / (place(high) - place(low)) * length }

  /// The value at so many pixels from the low end.
  func value(at pixel: Double) -> Double {
    let place = place(low) + pixel / length * (place(high) - place(low))
    return isLogarithmic ? exp(place) : place
  }

  private func place(_ value: Double) -> Double { isLogarithmic ? log(value) : value }

  /// Round values for a logarithmic axis: 1, 2 and 5 times powers of ten, or fewer where these are many; nil for others.
  var ticks: [Double]? {
    guard isLogarithmic else { return nil }
    let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    let factors: [Double] = log10(high / low) > 4 ? [1] : [1, 2, 5]
    return powers.flatMap { power in factors.map { $0 * pow(10, Double(power)) } }.filter { $0 >= low && $0 <= high }
  }
}
