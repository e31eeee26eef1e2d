//! The demo's report: one HTML file that needs nothing beside it.
//!
//! It holds the screenshot as a data URI, the figures as a table, and the fence timeline as inline
//! SVG. No script, no font and nothing from a network.

pub mod base64;
pub mod svg;

use crate::trace::analysis::Verdict;
use crate::trace::timeline::Journey;

/// What the report shows.
pub struct Page<'a> {
    /// The verdict, at the top.
    pub verdict: &'a Verdict,
    /// The figures.
    pub rows: &'a [(&'static str, String)],
    /// A few commits in a row.
    pub journeys: &'a [Journey],
    /// The screenshot, a PNG file's bytes.
    pub screenshot: Option<&'a [u8]>,
    /// What ran where: device, mode, kernel.
    pub subtitle: &'a str,
}

const STYLE: &str = include_str!("style.css");

/// Makes the HTML.
pub fn page(page: &Page<'_>) -> String {
    let mut rows = String::new();
    for (what, value) in page.rows {
        rows += &format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(what), escape(value));
    }
    let picture = page.screenshot.map_or_else(
        || "<p class=\"note\">No screenshot was taken.</p>".to_owned(),
        |png| {
            let data = base64::encode(png);
            format!(
                "<figure><img alt=\"Screenshot taken midway\" src=\"data:image/png;base64,{data}\">\
                 <figcaption>The screen, taken midway. The squares and digits are the client's frame number.</figcaption></figure>"
            )
        },
    );
    let timeline = svg::timeline(page.journeys);
    let class = if page.verdict.pass { "pass" } else { "fail" };
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Syncline: a fence's way to the screen and back</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n\
         <h1>A fence's way to the screen and back</h1>\n<p class=\"subtitle\">{}</p>\n\
         <p class=\"verdict {class}\">{}</p>\n\
         <section><h2>Fences of {} commits</h2>\n{timeline}\n{}</section>\n\
         <div class=\"columns\"><section><h2>Figures</h2>\n<table>\n{rows}</table></section>\n\
         <section><h2>Screenshot</h2>\n{picture}</section></div>\n</main></body></html>\n",
        escape(page.subtitle),
        escape(&page.verdict.line),
        page.journeys.len(),
        LEGEND,
    )
}

const LEGEND: &str = "<ul class=\"legend\">\
<li><i class=\"wait\"></i>acquire fence pending</li>\
<li><i class=\"queue\"></i>latched, on its way to the vblank</li>\
<li><i class=\"screen\"></i>on the screen</li>\
<li><b class=\"latch\">┃</b>latch</li>\
<li><b class=\"signal\">▲</b>acquire fence signals</li>\
<li><b class=\"mat\">◆</b>release point has its fence</li>\
<li><b class=\"rel\">●</b>release fence signals</li>\
<li><b class=\"vbl\">┊</b>flip</li></ul>\
<p class=\"note\">A triangle right of the latch is a fence that the display hardware waited for. A diamond well left of its \
circle is a client that knew its buffer would come back before it did.</p>";

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Trace;
    use crate::trace::analysis::{Summary, judge};
    use crate::trace::timeline::{excerpt, journeys};

    #[test]
    fn the_page_is_self_contained() {
        let trace = Trace::parse(include_str!("../../data/trace.json")).unwrap();
        let summary = Summary::of(&trace);
        let verdict = judge(&summary, None, 4);
        let journeys = excerpt(&journeys(&trace), 6);
        let html = page(&Page {
            verdict: &verdict,
            rows: &summary.rows(None),
            journeys: &journeys,
            screenshot: Some(b"\x89PNG"),
            subtitle: "vkms <1>",
        });
        assert!(html.contains("data:image/png;base64,iVBORw=="));
        assert!(html.contains("vkms &lt;1&gt;") && html.contains("<svg") && html.contains("verdict: FAIL"));
        for forbidden in ["http:", "https:", "<script", "url("] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }
}
