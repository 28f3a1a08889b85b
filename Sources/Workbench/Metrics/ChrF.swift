/// chrF, the F-score of character n-grams (Popović 2015), as sacreBLEU 2 computes it by default: n-grams of 1 to 6 characters, recall counted
/// twice as much as precision (beta = 2), white space left out, no word n-grams.
package struct ChrF: Sendable {
  private let order: Int
  private let beta: Double

  /// - Parameters:
  ///   - order: the longest n-gram, in characters.
  ///   - beta: how much more recall counts than precision.
  package init(order: Int = 6, beta: Double = 2) {
    self.order = order
    self.beta = beta
  }

  /// How near a text is to a reference, from 0 to 100.
  ///
  /// Precision and recall are each averaged over the orders of which both texts have n-grams; where there is none, the score is 0.
  package func score(_ text: String, reference: String) -> Double {
    let (own, other) = (Self.characters(text), Self.characters(reference))
    let longest = min(order, own.count, other.count)
    guard longest > 0 else { return 0 }
    var precision = 0.0
    var recall = 0.0
    for length in 1...longest {
      let (mine, theirs) = (Self.grams(own, length), Self.grams(other, length))
      let matches = mine.reduce(0) { $0 + min($1.value, theirs[$1.key, default: 0]) }
      precision += Double(matches) / Double(own.count - length + 1)
      recall += Double(matches) / Double(other.count - length + 1)
    }
    (precision, recall) = (precision / Double(longest), recall / Double(longest))
    let weight = beta * beta
    guard precision + recall > 0 else { return 0 }
    return 100 * (1 + weight) * precision * recall / (weight * precision + recall)
  }

  private static func characters(_ text: String) -> [Unicode.Scalar] {
    text.unicodeScalars.filter { !$0.properties.isWhitespace }
  }

  private static func grams(_ characters: [Unicode.Scalar], _ length: Int) -> [ArraySlice<Unicode.Scalar>: Int] {
    var counts: [ArraySlice<Unicode.Scalar>: Int] = [:]
    for start in 0...(characters.count - length) { counts[characters[start..<start + length], default: 0] += 1 }
    return counts
  }
}
