import Commands
import Diffusion
import Strategies

@main struct Main {
  static func main() async { await Unmask.main(catalog: .standard + [Careful.self]) }
}
