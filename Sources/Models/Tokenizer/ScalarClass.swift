/// The classes of Unicode scalars that patterns speak of.
///
/// The reference implementation matches patterns with Oniguruma's tables of Unicode 16 whatever the machine. So a scalar that Unicode took
/// in later counts as unassigned here too, or the same text would give other tokens after an update of the Swift runtime.
enum ScalarClass {
  /// A set of classes: bit `n` stands for class `n`.
  typealias Mask = UInt64

  /// The general categories by their short names, in the order of the class numbers.
  private static let names = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So",
    "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cn",
  ]
  private static let longNames = [
    "letter": "L", "mark": "M", "number": "N", "punctuation": "P", "symbol": "S", "separator": "Z", "other": "C", "uppercaseletter": "Lu",
    "lowercaseletter": "Ll", "titlecaseletter": "Lt", "modifierletter": "Lm", "otherletter": "Lo", "nonspacingmark": "Mn",
    "spacingmark": "Mc", "enclosingmark": "Me", "decimalnumber": "Nd", "letternumber": "Nl", "othernumber": "No",
  ]

  private static let unassigned = 28
  // Parts of a category that `\s` and `\w` treat apart from the rest of it.
  private static let controlSpace = 29  // U+0085, of Cc
  private static let alphabeticSymbol = 30  // circled letters, of So
  private static let latinNumber = 31  // superscripts and fractions of Latin-1, of No: `\w` in Oniguruma
  private static let joiner = 32  // U+200C and U+200D, of Cf: `\w` elsewhere

  /// Every class.
  static let all: Mask = 1 << 33 - 1

  /// `\s`: White_Space beyond ASCII.
  static let space = mask(category: "Z") | 1 << controlSpace
  private static let number = mask(category: "N")
  /// `\d`.
  static let digit = mask(category: "Nd")
  /// `\w` in Oniguruma.
  static let word =
    mask(category: "L") | mask(category: "M") | digit | mask(category: "Nl") | mask(category: "Pc")
    | 1 << alphabeticSymbol | 1 << latinNumber
  /// `\w` between brackets in Oniguruma, which then leaves Latin-1's superscripts and fractions out.
  static let bracketWord = word & ~(1 << latinNumber)
  /// A word character by the Unicode standard: joiners are in it, Latin-1's superscripts are not.
  static let standardWord = bracketWord | 1 << joiner

  /// The classes of a general category, by its short or long name in any case; nil when there is none.
  static func mask(property name: String) -> Mask? {
    let plain = name.lowercased().filter { $0 != " " && $0 != "_" && $0 != "-" }
    let short = longNames[plain] ?? plain
    guard (1...2).contains(short.utf8.count) else { return nil }
    let found = mask(category: short.prefix(1).uppercased() + short.dropFirst())
    return found == 0 ? nil : found
  }

  private static func mask(category: String) -> Mask {
    var mask: Mask = 0
    for (index, name) in names.enumerated() where name.hasPrefix(category) { mask |= 1 << index }
    if "Cc".hasPrefix(category) { mask |= 1 << controlSpace }
    if "So".hasPrefix(category) { mask |= 1 << alphabeticSymbol }
    if "No".hasPrefix(category) { mask |= 1 << latinNumber }
    if "Cf".hasPrefix(category) { mask |= 1 << joiner }
    return mask
  }

  /// The class of a scalar.
  static func of(_ value: UInt32) -> Int {
    switch value >> 16 {
    case 0: Int(basicPlane[Int(value)])
    case 1: Int(secondPlane[Int(value & 0xFFFF)])
    default: classify(value)
    }
  }

  // Each plane's table is made when first needed: a few milliseconds.
  private static let basicPlane = (0..<UInt32(0x10000)).map { UInt8(truncatingIfNeeded: classify($0)) }
  private static let secondPlane = (0x10000..<UInt32(0x20000)).map { UInt8(truncatingIfNeeded: classify($0)) }

  private static func classify(_ value: UInt32) -> Int {
    guard let scalar = Unicode.Scalar(value) else { return unassigned }
    switch value {
    case 0x85: return controlSpace
    case 0xB2, 0xB3, 0xB9, 0xBC...0xBE: return latinNumber
    case 0x200C, 0x200D: return joiner
    case 0x295: return 1  // Ll until Unicode 16
    default: break
    }
    let properties = scalar.properties
    let category = index(properties.generalCategory)
    // Private use and unassigned scalars have no age.
    if let age = properties.age, age.major > 16 { return unassigned }
    return category == 21 && properties.isAlphabetic ? alphabeticSymbol : category
  }

  private static func index(_ category: Unicode.GeneralCategory) -> Int {
    switch category {
    case .uppercaseLetter: 0
    case .lowercaseLetter: 1
    case .titlecaseLetter: 2
    case .modifierLetter: 3
    case .otherLetter: 4
    case .nonspacingMark: 5
    case .spacingMark: 6
    case .enclosingMark: 7
    case .decimalNumber: 8
    case .letterNumber: 9
    case .otherNumber: 10
    case .connectorPunctuation: 11
    case .dashPunctuation: 12
    case .openPunctuation: 13
    case .closePunctuation: 14
    case .initialPunctuation: 15
    case .finalPunctuation: 16
    case .otherPunctuation: 17
    case .mathSymbol: 18
    case .currencySymbol: 19
    case .modifierSymbol: 20
    case .otherSymbol: 21
    case .spaceSeparator: 22
    case .lineSeparator: 23
    case .paragraphSeparator: 24
    case .control: 25
    case .format: 26
    case .privateUse: 27
    case .surrogate, .unassigned: 28
    @unknown default: 28
    }
  }

  /// White space by the Unicode standard.
  static func isSpace(_ value: UInt32) -> Bool {
    value < 0x80 ? value == 0x20 || (9...13).contains(value) : space >> of(value) & 1 == 1
  }

  /// A word character by the Unicode standard.
  static func isWord(_ value: UInt32) -> Bool { standardWord >> of(value) & 1 == 1 }

  /// A number of any kind, by the newest Unicode known: unlike patterns, the `Digits` step is not held to version 16.
  static func isNumeric(_ value: UInt32) -> Bool {
    if value < 0x80 { return (0x30...0x39).contains(value) }
    let known = of(value)
    guard known == unassigned, let scalar = Unicode.Scalar(value) else { return number >> known & 1 == 1 }
    return switch scalar.properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: true
    default: false
    }
  }

  /// Punctuation as the `Punctuation` step has it: ASCII symbols too, and the categories of Unicode 8.
  static func isPunctuation(_ value: UInt32) -> Bool {
    if value < 0x80 {
      return switch value {
      case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
      default: false
      }
    }
    if value == 0x166D || value == 0x111C9 { return true }
    guard let age = Unicode.Scalar(value)?.properties.age, age.major <= 8 else { return false }
    return (11...17).contains(of(value))
  }
}
