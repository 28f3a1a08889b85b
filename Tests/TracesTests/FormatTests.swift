import Foundation
import Testing

@testable import Traces

@Suite struct FormatTests {
  /// The contract, written out by hand: group, column, type, and whether the column has one value per row.
  static let contract: [(String, [String])] = [
    (
      "samples",
      [
        "problem object", "seed int64", "block_length int32", "correct int8", "answer_tokens int32", "rounds int32", "canvases int64", "positions int64",
        "logit_rows int64", "seconds float64", "first_round int64",
      ]
    ),
    ("prompts", ["tokens int32", "offsets int64"]), ("responses", ["tokens int32", "offsets int64"]),
    ("initial", ["tokens int32", "pinned uint8", "offsets int64"]),
    (
      "rounds",
      [
        "sample int32", "index int32", "kind uint8", "canvases int32", "positions int64", "logit_rows int64", "window_start int32", "window_end int32",
        "masked int32", "forward_seconds float64", "decide_seconds float64", "final uint8",
      ]
    ),
    (
      "edits",
      ["round int64", "branch int32", "kind uint8", "position int32", "token int32", "confidence float64", "margin float64", "entropy float64", "author int32"]
    ),
    ("authors", ["name object"]),
    (
      "beliefs",
      [
        "round int64", "position int32", "log_sum_exp float64", "entropy float64", "top_tokens int32", "top_logits float32", "mass float64", "moment float64",
      ]
    ),
  ]

  @Test func h5pySeesTheContract() throws {
    guard Python.interpreter != nil else {
      print("SKIPPED: h5pySeesTheContract needs python3 with h5py (pip install h5py)")
      return
    }
    let folder = try Folder()
    let trace = try Samples.trace(level: .beliefs(4), count: 40)
    try TraceFile.write(trace, to: folder.file())
    let (status, output) = try Python.run(
      """
      import sys, h5py, numpy as np
      f = h5py.File(sys.argv[1])
      for g in f:
          print(g, *sorted(f"{c} {f[g][c].dtype}" for c in f[g]), sep="|")
      a = f.attrs
      print(a["schema"], a["schema_version"], a["config"], a["run_digest"], a["model_digest"], a["status"], f["beliefs"].attrs["k"])
      assert all(d.ndim == 1 for g in f.values() for d in g.values())
      assert all(len({d.shape for d in f[g].values()}) == 1 for g in ["samples", "rounds", "edits"])
      assert len(f["beliefs/top_tokens"]) == 4 * len(f["beliefs/round"])
      filters = {x.compression for g in f.values() for x in g.values()}
      assert filters <= {None, "gzip"}, filters
      # Replaying the edits over the initial responses, written once more in another language.
      e = {c: f["edits"][c][:] for c in f["edits"]}
      owner = f["rounds/sample"][:]
      for s in range(len(f["samples/seed"])):
          o = f["initial/offsets"]
          cells = list(f["initial/tokens"][o[s]:o[s + 1]])
          for i in np.flatnonzero((owner[e["round"]] == s) & (e["branch"] == -1)):
              p, t = e["position"][i], e["token"][i]
              k = e["kind"][i]
              if k <= 1: cells[p] = t
              elif k == 2: cells[p] = -1
              elif k == 3: cells.insert(p, -1)
              else: del cells[p]
          o = f["responses/offsets"]
          assert cells == list(f["responses/tokens"][o[s]:o[s + 1]]), s
      print(f["samples/problem"].asstr()[0])
      """, [folder.file()])
    #expect(status == 0, "\(output)")
    var expected = Self.contract.sorted { $0.0 < $1.0 }.map { ([$0.0] + $0.1.sorted()).joined(separator: "|") }
    expected += [#"unmask-trace 1 {"gen_length":16} run model complete 4"#, "arithmetic/0·é", ""]
    #expect(output == expected.joined(separator: "\n"))
  }

  @Test func pandasReadsATableInOneLine() throws {
    guard Python.interpreter != nil else { return }
    let folder = try Folder()
    try TraceFile.write(try Samples.trace(), to: folder.file())
    let (status, output) = try Python.run(
      """
      import sys, h5py
      try:
          import pandas
      except ImportError:
          print("SKIPPED: pandas is missing")
          sys.exit(0)
      f = h5py.File(sys.argv[1])
      for g in ["samples", "rounds", "edits", "authors"]:
          assert len(pandas.DataFrame({c: f[g][c][:] for c in f[g]})) > 0
      """, [folder.file()])
    #expect(status == 0, "\(output)")
    if output.contains("SKIPPED") { print(output) }
  }

  /// Another program may change a trace: the seal goes, and the trace is read for what it is.
  @Test func tracesChangedByAnotherProgramAreRead() throws {
    guard Python.interpreter != nil else { return }
    let folder = try Folder()
    let trace = try Samples.trace()
    try TraceFile.write(trace, to: folder.file())
    let (status, output) = try Python.run("import sys, h5py; f = h5py.File(sys.argv[1], 'r+'); f.attrs['note'] = 'mine'; f.close()", [folder.file()])
    #expect(status == 0, "\(output)")
    let read = try TraceFile.read(folder.file())
    #expect(read.seal == .none)
    #expect(read.validate() == [])
    #expect(read.differences(from: trace) == [])
  }
}
