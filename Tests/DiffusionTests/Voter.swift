import Diffusion
import Support

/// HEX's shape: members decode the same prompt under other block lengths, all in one batch; the most frequent answer is revealed.
struct Voter: Strategy {
  static let name = "voter"
  static let role = Role.wrapper

  struct Member {
    var canvas: Canvas
    var pipeline: Pipeline
    var decisions = 0
    var range = 0..<0
    var shown: [View] = []
  }

  let blocks: [Int]
  private let base: Pipeline
  private var members: [Member] = []

  init(blocks: [Int], base: Pipeline) {
    self.blocks = blocks
    self.base = base
  }
  init(_ parameters: inout Parameters) throws(ConfigurationError) {
    self.init(blocks: [4, 8], base: try parameters.base(default: Setting(.text("threshold"))))
  }

  var needs: Needs { members.filter { !$0.canvas.isComplete }.reduce(base.needs) { $0.union($1.pipeline.needs) } }

  mutating func views(of canvas: Canvas) -> [View] {
    if members.isEmpty { members = blocks.compactMap { length in canvas.restarted(blockLength: length).map { Member(canvas: $0, pipeline: base) } } }
    var views: [View] = []
    for index in members.indices where !members[index].canvas.isComplete {
      members[index].shown = members[index].pipeline.views(of: members[index].canvas)
      members[index].range = views.count..<views.count + members[index].shown.count
      views += members[index].shown.map { shown in
        var view = shown
        view.branch = shown.branch * members.count + index
        view.parent = shown.parent * members.count + index
        return view
      }
    }
    return views
  }

  mutating func decide(_ step: inout Step) {
    for index in members.indices where !members[index].canvas.isComplete {
      let range = members[index].range
      let views = zip(members[index].shown, step.views[range]).map { Step.Seen(view: $0, belief: $1.belief) }
      var sub = step.substep(on: members[index].canvas, believing: views[0].belief, index: members[index].decisions, member: index, views: views)
      members[index].pipeline.decide(&sub)
      step.note(sub, branch: index)
      members[index].canvas = sub.canvas
      members[index].canvas.settle()
      members[index].decisions += sub.decisions
      let kept = sub.survivors ?? views.indices.map { ($0, views[$0].view.branch) }
      for (view, branch) in kept { step.keep(view: range.lowerBound + view, as: branch * members.count + index) }
    }
    guard members.allSatisfy({ $0.canvas.isComplete }) else { return step.pass() }
    for position in step.masked { step.reveal(position, as: winner[position]) }
  }

  /// The most frequent "answer": the sum of a response's tokens, modulo 3. The first of the most frequent wins.
  private var winner: [Token] {
    let answers = members.map { $0.canvas.response.reduce(0) { ($0 + Int($1)) % 3 } }
    let count = { (answer: Int) in answers.count { $0 == answer } }
    let best = answers.map(count).max() ?? 0
    return answers.firstIndex { count($0) == best }.map { members[$0].canvas.response } ?? []
  }
}
