public import Diffusion

extension PairComparison {
  /// The comparison as JSON. Accuracies and differences are shares, seconds seconds; a ratio is better above 1.
  public var json: Setting {
    let side = { (side: Pairing.Side, accuracy: Estimate) -> Setting in
      [
        "label": Setting(.text(side.label)), "runs": Setting(.list(side.directories.sorted { $0.key < $1.key }.map { Setting(.text($0.value)) })),
        "accuracy": ["value": Setting(.number(accuracy.value)), "standard_error": Setting(.number(accuracy.error))],
      ]
    }
    let accuracy: Setting = [
      "difference": Setting(.number(table.difference)), "low": Setting(.number(difference.low)), "high": Setting(.number(difference.high)),
      "p": Setting(.number(p)), "p_holm": Setting(.number(adjusted)), "is_worse": Setting(.bool(isWorse)), "is_better": Setting(.bool(isBetter)),
      "both_right": Setting(.number(table.bothRight)), "only_candidate": Setting(.number(table.onlyCandidate)),
      "only_baseline": Setting(.number(table.onlyBaseline)), "both_wrong": Setting(.number(table.bothWrong)),
      "looked_for": Setting(.number(lookedFor)), "problems_to_see": Setting(.number(problemsToSee)),
    ]
    let kept: [Setting] = self.kept.enumerated().map { place, test in
      [
        "share": Setting(.number(test.share)), "p": Setting(.number(test.p)), "p_holm": Setting(.number(keptAdjusted[place])),
        "shown": Setting(.bool(isKept(place))), "problems_to_show": Setting(.number(problemsToShow(place))),
      ]
    }
    let costs = self.costs.map { cost in
      Setting.Entry(
        cost.kind.rawValue,
        [
          "baseline": Setting(.number(cost.baseline)), "candidate": Setting(.number(cost.candidate)), "ratio": Setting(.number(cost.effect.value)),
          "low": Setting(.number(cost.effect.low)), "high": Setting(.number(cost.effect.high)), "p": Setting(.number(cost.effect.p)),
        ])
    }
    let changes = { (changes: [Change]) in
      Setting(.list(changes.map { ["problem": Setting(.text($0.problem)), "seed": Setting(.integer($0.seed))] as Setting }))
    }
    return [
      "group": Setting(.text(pairing.title)), "problems": Setting(.integer(pairing.count)), "seeds": Setting(.integer(pairing.seeds)),
      "baseline": side(pairing.baseline, baselineAccuracy), "candidate": side(pairing.candidate, candidateAccuracy), "accuracy": accuracy,
      "kept": Setting(.list(kept)), "costs": Setting(.map(costs)),
      "agreement": ["value": Setting(.number(agreement.value)), "standard_error": Setting(.number(agreement.error))],
      "lost": changes(lost), "won": changes(won), "remarks": Setting(.list(pairing.remarks.map { Setting(.text($0)) })),
      "verdict": Setting(.text(verdict)),
    ]
  }
}
