/// The page's own files, which lie in the program.
struct PageFile: Sendable {
    var type: String
    var bytes: [UInt8]

    /// By path.
    static let all: [String: PageFile] = [
        "/": PageFile(type: "text/html; charset=utf-8", bytes: PackageResources.index_html),
        "/style.css": PageFile(type: "text/css; charset=utf-8", bytes: PackageResources.style_css),
        "/icon.svg": PageFile(type: "image/svg+xml", bytes: PackageResources.icon_svg),
        "/page.js": script(PackageResources.page_js),
        "/stream.js": script(PackageResources.stream_js),
        "/figures.js": script(PackageResources.figures_js),
        "/curves.js": script(PackageResources.curves_js),
        "/workers.js": script(PackageResources.workers_js),
        "/samples.js": script(PackageResources.samples_js),
        "/controls.js": script(PackageResources.controls_js),
    ]

    private static func script(_ bytes: [UInt8]) -> PageFile {
        PageFile(type: "text/javascript; charset=utf-8", bytes: bytes)
    }
}
