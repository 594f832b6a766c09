/// How the page looks: on a screen, in the dark, and on paper.
enum ReportStyle {
    static let css = """
        :root { color-scheme: light dark;
          --paper: #fbf9f6; --card: #ffffff; --ink: #26221e; --soft: #766e65; --line: #e8e1d8; --accent: #b5371f;
          --c0: #b5371f; --c1: #2f6f8f; --c2: #b98a1d; --c3: #5b7f3a; --c4: #7a4f93; --c5: #555; }
        @media (prefers-color-scheme: dark) { :root {
          --paper: #191715; --card: #221f1c; --ink: #ece6de; --soft: #a0968a; --line: #37322c; --accent: #ef7a5d;
          --c0: #ef7a5d; --c1: #6fb4d6; --c2: #e0b64d; --c3: #9cc274; --c4: #bb93d6; --c5: #aaa; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
        main { max-width: 1040px; margin: 0 auto; padding: 36px 24px 64px; }
        header { border-bottom: 3px solid var(--accent); padding-bottom: 18px; margin-bottom: 24px; }
        h1 { font-size: 30px; line-height: 1.2; margin: 0; letter-spacing: -0.01em; overflow-wrap: anywhere; }
        h2 { font-size: 19px; margin: 40px 0 12px; letter-spacing: -0.005em; }
        h3 { font-size: 15px; margin: 0; }
        p { margin: 6px 0; }
        .soft { color: var(--soft); }
        .mark { color: var(--accent); font-weight: 600; }
        .state { display: inline-block; padding: 2px 10px; border-radius: 999px; font-size: 13px; font-weight: 600;
          background: var(--accent); color: #fff; vertical-align: 5px; margin-left: 10px; }
        .state.good { background: #3f7d3a; }
        .trouble { border-left: 4px solid #c98a00; background: var(--card); padding: 8px 14px; margin: 8px 0; }
        .figures { display: flex; flex-wrap: wrap; gap: 12px; }
        .figures div, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
        .figures div { flex: 1 1 88px; min-width: max-content; padding: 12px 14px; }
        .figures b { display: block; font-size: 20px; font-weight: 650; font-variant-numeric: tabular-nums;
          line-height: 1.25; white-space: nowrap; }
        .figures span { color: var(--soft); font-size: 13px; }
        .curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 16px; }
        .card { padding: 14px 16px; break-inside: avoid; }
        section > .card + .card { margin-top: 16px; }
        .card.wide { grid-column: 1 / -1; }
        .card p { font-size: 13px; margin: 0 0 6px; }
        .key { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin: 0 5px 0 12px; }
        svg { display: block; width: 100%; height: auto; }
        .grid { stroke: var(--line); stroke-width: 1; }
        .tick { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
        .name { fill: var(--ink); font-size: 11px; }
        .resumed { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 4; }
        .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
        .line.raw { stroke-width: 1.2; }
        .line.raw:has(~ .line) { opacity: 0.4; }
        .range { stroke: none; opacity: 0.17; }
        .line.c0 { stroke: var(--c0); } .line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); }
        .line.c3 { stroke: var(--c3); } .line.c4 { stroke: var(--c4); } .line.c5 { stroke: var(--c5); }
        .range.c0, .dot.c0 { fill: var(--c0); } .dot.c1 { fill: var(--c1); } .dot.c2 { fill: var(--c2); }
        .dot.c3 { fill: var(--c3); } .dot.c4 { fill: var(--c4); }
        .key.c0 { background: var(--c0); } .key.c1 { background: var(--c1); } .key.c2 { background: var(--c2); }
        .key.c3 { background: var(--c3); } .key.c4 { background: var(--c4); } .key.c5 { background: var(--c5); }
        .stay { fill: var(--c1); }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; }
        th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px; }
        th, td { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top;
          overflow-wrap: anywhere; }
        tr:last-child td { border-bottom: 0; }
        .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 16px; }
        .nowrap { white-space: nowrap; font-variant-numeric: tabular-nums; }
        .bar { display: flex; height: 12px; width: 100%; min-width: 120px; border-radius: 3px; overflow: hidden;
          background: var(--line); margin-top: 5px; }
        .bar i { display: block; height: 100%; }
        pre, code { font: 12.5px/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; }
        pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
        code { overflow-wrap: anywhere; }
        .pictures { border-spacing: 8px; border-collapse: separate; width: auto; }
        .pictures td, .pictures th { border: 0; padding: 0; }
        .pictures td.prompt { min-width: 96px; max-width: 180px; font-size: 12.5px; padding-right: 8px; }
        .pictures img { display: block; width: 128px; height: auto; border-radius: 6px; }
        footer { margin-top: 48px; color: var(--soft); font-size: 13px; }
        @media (max-width: 560px) { .curves { grid-template-columns: minmax(0, 1fr); } main { padding: 20px 14px; }
          .card.wide { overflow-x: auto; } .card.wide svg { width: 720px; } }
        @media print {
          :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #555; --line: #ccc; --accent: #b5371f; }
          @page { margin: 14mm; }
          body { font-size: 11px; } main { max-width: none; padding: 0; }
          .curves { grid-template-columns: 1fr 1fr; gap: 8px; }
          h2 { break-after: avoid; margin-top: 22px; } tr, .card, .figures div { break-inside: avoid; }
          .card.long { break-inside: auto; } pre, code { font-size: 9.5px; }
          .bar, .key, .state, .stay { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          .pictures img { width: 88px; } .scroll { overflow: visible; }
        }
        """
}
