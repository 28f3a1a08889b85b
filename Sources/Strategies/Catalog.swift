public import Diffusion

extension Catalog {
  /// The strategies that ship: one file and one line each.
  public static let standard = Catalog([
    Quota.self,
    Timesteps.self,
    Threshold.self,
    Factor.self,
    Frechet.self,
    Hierarchy.self,
    LocalLeap.self,
    Credit.self,
    Suppress.self,
    Prophet.self,
    Sched.self,
    Saber.self,
    FreeDave.self,
    Hex.self,
  ])
}
