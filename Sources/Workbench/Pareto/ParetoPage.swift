internal import Diffusion

/// Fronts as one HTML page that needs no network: hovering names a point with all its figures, clicking opens its trace.
///
/// The page's policy lets it load nothing from anywhere and run two scripts alone, by their digests; Vega's expressions need `unsafe-eval`. What data spells is
/// text.
package struct ParetoPage: Sendable {
  /// The document.
  package let html: String

  /// - Parameters:
  ///   - links: addresses of replay pages by the digests of runs.
  ///   - library: Vega, Vega-Lite and Vega-Embed as one script.
  package init(_ pareto: Pareto, links: [String: String], library: String) {
    var names: [String] = []
    for point in pareto.groups where !names.contains(point.title.benchmark) { names.append(point.title.benchmark) }
    let title = "\(pareto.options.quality.rawValue) against \(pareto.options.cost.rawValue): \(names.joined(separator: ", "))"
    html = ReplayPage.fill(
      Self.template,
      [
        "title": title.xmlEscaped, "style": Self.style, "library": library, "script": Self.script,
        "specification": ReplayPage.inert(ParetoPlot(pareto, for: .page(links: links)).specification.json),
        "tables": pareto.text.xmlEscaped, "legend": pareto.legend.xmlEscaped,
        "hint": links.isEmpty ? "Hover over a point to read its figures." : "Hover over a point to read its figures; click on it to replay its first problems.",
        "policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
          + "script-src 'unsafe-eval' \(ReplayPage.source(library)) \(ReplayPage.source(Self.script))",
      ])
  }

  private static let template = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="{{policy}}">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{{title}} · unmask pareto</title>
    <style>{{style}}</style>
    </head>
    <body>
    <noscript>The plot is drawn by a script, which loads nothing from anywhere; the tables below need none.</noscript>
    <h1>{{title}}</h1>
    <p>{{hint}} Bars are 95 % intervals; the grey band is the front of all strategies, thin lines are each strategy's own; a hollow point was dropped early.</p>
    <div id="plot"></div>
    <pre>{{tables}}</pre>
    <pre class="legend">{{legend}}</pre>
    <script type="application/json" id="specification">{{specification}}</script>
    <script>{{library}}</script>
    <script>{{script}}</script>
    </body>
    </html>

    """

  private static let style = """
    body { font: 14px/1.45 "Liberation Sans", Arial, Helvetica, sans-serif; color: #222; background: #fff; margin: 24px auto; max-width: 1180px; padding: 0 16px }
    h1 { font-size: 20px; margin: 0 0 4px } p { margin: 0 0 16px; color: #555 } #plot { overflow-x: auto }
    pre { font: 12px/1.4 "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-x: auto; margin: 16px 0 } pre.legend { color: #555 }
    #vg-tooltip-element table tr td { max-width: none } #vg-tooltip-element table tr td.value { max-width: none }
    """

  private static let script = """
    const specification = JSON.parse(document.getElementById("specification").textContent);
    vegaEmbed("#plot", specification, {actions: false, renderer: "svg", loader: {target: "_blank"}})
      .then(() => { document.body.dataset.ready = "yes"; })
      .catch(error => { document.getElementById("plot").textContent = "The plot cannot be drawn: " + error.message; });
    """
}
