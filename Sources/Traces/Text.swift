extension StringProtocol {
  /// The text with `?` for control characters: what a file says must not move a terminal's cursor.
  package var printable: String {
    String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }
}
