import Diffusion
import Testing

@Suite struct RandomTests {
  /// SplitMix64's finaliser, written a second time.
  static func mix(_ word: UInt64) -> UInt64 {
    let a = (word ^ (word >> 30)).multipliedReportingOverflow(by: 0xBF58_476D_1CE4_E5B9).partialValue
    let b = (a ^ (a >> 27)).multipliedReportingOverflow(by: 0x94D0_49BB_1331_11EB).partialValue
    return b ^ (b >> 31)
  }

  @Test func vectorsNeverChange() {
    let source = SeededRandom(seed: 42)
    // SplitMix64 seeded with 0 begins with these words; its finaliser is ours.
    #expect(Self.mix(0x9E37_79B9_7F4A_7C15) == 0xE220_A839_7B1D_CDAF)
    #expect(Self.mix(0x9E37_79B9_7F4A_7C15 &* 2) == 0x6E78_9E6A_A1B9_65F4)
    let root = Self.mix(42 &+ 0x9E37_79B9_7F4A_7C15)
    let child = Self.mix(root ^ Self.mix(7 &+ 0xD1B5_4A32_D192_ED03))
    #expect(source.bits == Self.mix(root &+ 0xA076_1D64_78BD_642F))
    #expect(source[7].bits == Self.mix(child &+ 0xA076_1D64_78BD_642F))
    #expect(
      [source.bits, source[0].bits, source[-1].bits, source[3][5].bits, source["dev"].bits] == [
        18_312_058_576_130_270_063, 2_650_406_548_687_796_630, 9_389_196_887_928_935_345, 9_155_835_638_945_728_878, 15_337_259_889_425_029_218,
      ])
    var stream = SeededStream(source)
    #expect([stream.next(), stream.next()] == [source[0].bits, source[1].bits])
  }

  @Test func addressesAreApart() {
    let source = SeededRandom(seed: 1)
    var seen: Set<UInt64> = [source.bits]
    for a in -50..<50 {
      seen.insert(source[a].bits)
      for b in 0..<50 { seen.insert(source[a][b].bits) }
    }
    #expect(seen.count == 1 + 100 + 5000)
    #expect(source[1][2] != source[2][1] && source["ab"] != source["ba"] && source["a"]["b"] != source["ab"] && SeededRandom(seed: 2) != source)
  }

  @Test func uniformity() {
    let source = SeededRandom(seed: 9)
    let count = 64_000
    var bins = [Int](repeating: 0, count: 64)
    var integers = [Int](repeating: 0, count: 7)
    var (sum, lag) = (0.0, 0.0)
    for index in 0..<count {
      let value = source[index].uniform
      #expect(value > 0 && value < 1)
      bins[Int(value * 64)] += 1
      integers[source[index]["integer"].integer(below: 7)] += 1
      sum += value
      lag += (value - 0.5) * (source[index + 1].uniform - 0.5)
    }
    let chi = { (bins: [Int]) in
      let expected = Double(count) / Double(bins.count)
      return bins.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }
    // Bounds that one seed in a thousand would miss: 63 and 6 degrees of freedom, and 3.3 standard errors.
    #expect(chi(bins) < 104 && chi(integers) < 22.5)
    #expect(abs(sum / Double(count) - 0.5) < 3.3 * 0.2887 / 253 && abs(lag / Double(count)) < 3.3 / 12 / 253)
  }
}
