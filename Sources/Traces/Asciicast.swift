internal import Diffusion

/// A recording of a terminal, asciicast version 2, in which a canvas fills in: `asciinema play FILE`.
///
/// One sample, five rounds a second whatever they took: a decode of milliseconds could not be watched.
package enum AsciicastFormat: TraceFormat {
  package static let name = "asciicast"
  package static let summary = "a terminal recording of one sample, for asciinema"

  private static let pace = 0.2

  package static func write(_ trace: Trace, _ request: TraceExport.Request, to out: (String) throws(TraceError) -> Void) throws(TraceError) {
    guard let sample = try trace.samples(of: request.sample).first else { throw TraceError.missing(what: "sample", known: "none") }
    try sample.checkRounds()
    let frames = try Replay(sample).frames
    // Drawn twice, once for their size: all pictures of a long decode together may be large.
    func lines(_ frame: Replay.Frame) -> [String] { request.picture(frame) + ["", caption(frame, of: frames.count - 1)] }
    let (width, height) = frames.reduce((20, 0)) { size, frame in
      let lines = lines(frame)
      return (lines.reduce(size.0) { max($0, columns($1)) }, max(size.1, lines.count + 1))
    }
    let header: Setting = [
      "version": Setting(.integer(2)), "width": Setting(.integer(width)), "height": Setting(.integer(height)), "title": Setting(.text(sample.problem)),
    ]
    try out(header.json + "\n")
    for (index, frame) in frames.enumerated() {
      let screen = "\u{1B}[H\u{1B}[2J" + lines(frame).joined(separator: "\r\n")
      try out("[\(seconds(index)), \"o\", \(Setting.quoted(screen))]\n")
    }
    // The last picture stays for a moment.
    try out("[\(seconds(frames.count + 9)), \"o\", \"\"]\n")
  }

  private static func caption(_ frame: Replay.Frame, of rounds: Int) -> String {
    let masked = frame.response.count { $0 < 0 }
    guard let round = frame.round else { return "before the first of \(rounds) rounds, \(masked) masked" }
    return "round \(round.index + 1) of \(rounds), \(masked) masked"
  }

  /// A time with one decimal.
  private static func seconds(_ index: Int) -> String {
    let tenths = Int((Double(index) * pace * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// Characters of a line that are seen: everything but the sequences that switch colours.
  private static func columns(_ line: String) -> Int {
    var count = 0
    var isHidden = false
    for character in line {
      if character == "\u{1B}" { isHidden = true } else if isHidden { isHidden = !character.isLetter } else { count += 1 }
    }
    return count
  }
}
