internal import Diffusion
internal import Foundation
internal import Models
internal import Traces

/// A replay as one HTML page that needs no network: canvases on a slider, confidences, commit order and tokens per round, for one trace or two side by side.
///
/// The page's policy names the digest of its one script and allows nothing else: whatever a token spells, it is text, and nothing is ever fetched.
package struct ReplayPage: Sendable {
  /// The document.
  package let html: String

  /// The longest response, and the most rounds, that the page draws.
  package static let longest = 8_192

  /// - Parameters:
  ///   - sources: one trace, or two that decoded the same problems.
  ///   - problems: the samples to show. All of them together may have `Playback.largest` positions times rounds.
  package init(_ sources: [ReplaySource], problems: [String]) throws {
    let folder = try ResourceSearch.folder("replay")
    let style = try ResourceSearch.text("page.css", in: folder)
    let script = try ["charts.js", "page.js", "controls.js"].map { try ResourceSearch.text($0, in: folder) }.joined()
    var data = ReplayPageData(sources)
    var area = 0
    for problem in problems {
      let sides = try sources.map { try $0.playback(of: problem) }
      for side in sides {
        let positions = side.frames.map(\.cells.count).max() ?? 0
        area += positions * side.frames.count
        guard positions <= Self.longest, side.roundCount <= Self.longest else {
          let size = "\(positions) positions in \(side.roundCount) rounds"
          throw TraceError.tooLarge(path: "sample `\(problem)`", what: size, limit: "the \(Self.longest) of either that a page draws")
        }
      }
      guard area <= Playback.largest else {
        throw TraceError.tooLarge(
          path: "the page", what: "\(problems.count) samples", limit: "\(Playback.largest) positions times rounds; choose one with --sample")
      }
      data.add(problem, sides)
    }
    html = Self.fill(
      try ResourceSearch.text("page.html", in: folder),
      [
        "title": Self.escaped(TokenSpelling.visible(problems.first ?? "")), "style": style, "script": script, "data": Self.inert(data.setting.json),
        "policy": "default-src 'none'; style-src \(Self.source(style)); script-src \(Self.source(script))",
      ])
  }

  /// Puts values in the places of a template, in one pass: what a value spells is not looked at.
  static func fill(_ template: String, _ values: [String: String]) -> String {
    var page = ""
    for (index, part) in template.components(separatedBy: "{{").enumerated() {
      guard index > 0, let end = part.range(of: "}}"), let value = values[String(part[..<end.lowerBound])] else {
        page += (index > 0 ? "{{" : "") + part
        continue
      }
      page += value + part[end.upperBound...]
    }
    return page
  }

  /// What a content security policy calls an inline script or style.
  static func source(_ text: String) -> String {
    var hash = SHA256()
    hash.update(text.utf8)
    var digits = Substring(hash.hexadecimal())
    var bytes = Data()
    while let byte = UInt8(digits.prefix(2), radix: 16) {
      bytes.append(byte)
      digits = digits.dropFirst(2)
    }
    return "'sha256-\(bytes.base64EncodedString())'"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
  }

  /// JSON that cannot end the script element it stands in, nor begin a comment there.
  static func inert(_ json: String) -> String {
    var safe = ""
    safe.reserveCapacity(json.utf8.count)
    for scalar in json.unicodeScalars {
      switch scalar {
      case "<": safe += "\\u003c"
      case ">": safe += "\\u003e"
      case "&": safe += "\\u0026"
      case "\u{2028}": safe += "\\u2028"
      case "\u{2029}": safe += "\\u2029"
      default: safe.unicodeScalars.append(scalar)
      }
    }
    return safe
  }
}
