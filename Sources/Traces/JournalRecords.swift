/// The framing of a journal: finding whole records among bytes of which some may be damaged.
struct JournalRecords {
  /// A record's bytes, frame included, and its payload's.
  struct Record {
    let whole: Range<Int>
    let payload: Range<Int>
  }

  /// The run that the journal belongs to; nil if its first record is not whole.
  private(set) var runDigest: String?
  /// The whole records after the first.
  private(set) var records: [Record] = []
  /// Ranges that hold no whole record but have one after them.
  private(set) var damage: [Range<Int>] = []
  /// Where the last whole record ends; what comes after it is torn.
  private(set) var end = 0

  private static let mark: [UInt8] = Array("UMJR".utf8)
  static let frameLength = 20
  private static let title = "unmask-journal 1"

  /// Finds the records of a journal's bytes.
  init(_ bytes: [UInt8]) {
    guard case .whole(let first) = Self.record(in: bytes, at: 0), let digest = Self.digest(bytes[first.payload]) else { return }
    runDigest = digest
    end = first.whole.upperBound
    while let record = Self.next(in: bytes, from: end) {
      if record.whole.lowerBound > end { damage.append(end..<record.whole.lowerBound) }
      records.append(record)
      end = record.whole.upperBound
    }
  }

  /// The first whole record at or after a place. A damaged frame must not hide the records behind it, so every place is tried; behind a sound frame its
  /// payload is skipped, so that no file takes more than one look at each byte.
  private static func next(in bytes: [UInt8], from start: Int) -> Record? {
    var place = start
    while place + frameLength <= bytes.count {
      switch bytes[place] == mark[0] ? record(in: bytes, at: place) : .nothing {
      case .whole(let record): return record
      case .damaged(let end): place = end
      case .nothing: place += 1
      }
    }
    return nil
  }

  /// What begins at a place.
  private enum Find {
    case nothing
    case whole(Record)
    /// A sound frame whose payload, up to here, is not what it was.
    case damaged(end: Int)
  }

  private static func record(in bytes: [UInt8], at place: Int) -> Find {
    guard place + frameLength <= bytes.count, bytes[place..<place + 4].elementsEqual(mark) else { return .nothing }
    var reader = ByteReader(bytes[(place + 4)..<(place + frameLength)])
    guard let length = reader.fixed(UInt64.self), let check = reader.fixed(UInt32.self), let own = reader.fixed(UInt32.self),
      own == CRC32.of(bytes[place..<place + 16]), length <= UInt64(bytes.count - place - frameLength)
    else { return .nothing }
    let payload = place + frameLength..<place + frameLength + Int(length)
    return check == CRC32.of(bytes[payload]) ? .whole(Record(whole: place..<payload.upperBound, payload: payload)) : .damaged(end: payload.upperBound)
  }

  private static func digest(_ payload: ArraySlice<UInt8>) -> String? {
    var reader = ByteReader(payload)
    guard reader.text() == title else { return nil }
    return reader.text()
  }

  /// The payload of the first record.
  static func header(_ runDigest: String) -> [UInt8] {
    var payload = ByteWriter()
    payload.put(title)
    payload.put(runDigest)
    return payload.bytes
  }

  /// A payload in its frame.
  static func frame(_ payload: [UInt8]) -> [UInt8] {
    var frame = ByteWriter()
    frame.put(fixed: UInt32(littleEndian: mark.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }))
    frame.put(fixed: UInt64(payload.count))
    frame.put(fixed: CRC32.of(payload[...]))
    frame.put(fixed: CRC32.of(frame.bytes[...]))
    return frame.bytes + payload
  }
}
