import Foundation
import Journal

/// Which of a run's pictures a report shows: a row for each prompt, evenly chosen steps across, first and last included.
struct SampleSheet {
    struct Row {
        let prompt: String
        /// PNG files, one for each of the sheet's steps; nil where there is none, or it is no picture.
        let pictures: [Data?]

        /// The prompt without its settings.
        var words: String { prompt.range(of: " --").map { String(prompt[..<$0.lowerBound]) } ?? prompt }
    }

    private static let rowLimit = 8
    private static let stepLimit = 6
    /// Of all pictures together.
    private static let byteLimit = 24 << 20

    let steps: [Int]
    let rows: [Row]
    /// Pictures that are not shown.
    let leftOut: Int

    init(_ report: RunReport) {
        let all = Array(Set(report.pictures.map(\.step))).sorted()
        let chosen =
            all.count <= Self.stepLimit
            ? all : (0..<Self.stepLimit).map { all[$0 * (all.count - 1) / (Self.stepLimit - 1)] }
        let prompts = Array(Set(report.pictures.map(\.prompt))).sorted().prefix(Self.rowLimit)
        let byPlace = Dictionary(
            report.pictures.map { ([$0.step, $0.prompt], $0) }, uniquingKeysWith: { first, _ in first })
        var bytes = 0
        var shown = 0
        rows = prompts.map { prompt in
            let pictures = chosen.map { step -> Data? in
                guard let data = byPlace[[step, prompt]]?.read()?.data, bytes + data.count <= Self.byteLimit else {
                    return nil
                }
                bytes += data.count
                shown += 1
                return data
            }
            let text = report.prompts.indices.contains(prompt) ? report.prompts[prompt] : "prompt \(prompt)"
            return Row(prompt: text.count > 200 ? text.prefix(200) + "…" : text, pictures: pictures)
        }
        steps = chosen
        leftOut = report.pictures.count - shown
    }

    /// 16 digits.
    static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
