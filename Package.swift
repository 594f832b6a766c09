// swift-tools-version: 6.1
import Foundation
import PackageDescription

// libtorch comes from a PyTorch wheel: `Cluster/setup` puts one under .deps, LIBTORCH=DIR names another.
let root = URL(filePath: #filePath).deletingLastPathComponent().path()
let libtorch = ProcessInfo.processInfo.environment["LIBTORCH"] ?? root + ".deps/torch"

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let tomlKit = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")

let package = Package(
    name: "danlu",
    products: [
        .executable(name: "danlu", targets: ["danlu"]),
        .executable(name: "exchange-benchmark", targets: ["ExchangeBenchmark"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // Common ground: what a run is.
        .target(name: "Recipe", dependencies: [tomlKit, crypto]),
        .target(name: "Journal", dependencies: ["Recipe", grdb]),

        // What it is made of: bytes known by their hash, and where they are kept.
        .target(name: "ContentStore", dependencies: [crypto]),

        // The left tower: learning. Knows no network.
        .target(
            name: "CTorch",
            cxxSettings: [
                // As libtorch was built: some of its structures have other fields without it.
                .define("NDEBUG"),
                // Fast in a debug build, too, which is what tests and the demo run.
                .unsafeFlags([
                    "-O2", "-isystem", "\(libtorch)/include", "-isystem",
                    "\(libtorch)/include/torch/csrc/api/include",
                ]),
            ],
            linkerSettings: [
                .unsafeFlags(["-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib"]),
                .linkedLibrary("torch_cpu"), .linkedLibrary("c10"), .linkedLibrary("dl"),
            ]),
        .target(name: "Torch", dependencies: ["CTorch"]),
        .target(name: "Safetensors", dependencies: [crypto]),
        .target(name: "Layers", dependencies: ["Torch", "Safetensors"]),
        .target(name: "StableDiffusion", dependencies: ["Layers", "Torch", "Safetensors", crypto]),
        .target(name: "Adapters", dependencies: ["Layers", "Torch", "Safetensors", crypto]),
        .target(
            name: "CVips",
            // Where Debian keeps glib's headers; a folder that is not there is passed over.
            cSettings: [
                .unsafeFlags(
                    ["-I/usr/include/glib-2.0"]
                        + ["x86_64", "aarch64"].map { "-I/usr/lib/\($0)-linux-gnu/glib-2.0/include" })
            ],
            linkerSettings: [.linkedLibrary("vips"), .linkedLibrary("gobject-2.0"), .linkedLibrary("glib-2.0")]),
        .target(name: "Images", dependencies: ["CVips"]),
        .target(name: "Dataset", dependencies: ["Recipe", "Images", crypto]),
        .target(
            name: "Training",
            dependencies: [
                "Recipe", "Dataset", "Adapters", "StableDiffusion", "Layers", "Torch", "Safetensors", "Images", crypto,
            ]),

        // What a LoRA that has been trained is worth.
        .target(
            name: "Evaluation",
            dependencies: [
                "Recipe", "Dataset", "Adapters", "StableDiffusion", "Layers", "Torch", "Training",
            ]),

        // The right tower: clustering. Knows no tensors.
        .target(name: "CZeroMQ", linkerSettings: [.linkedLibrary("zmq"), .linkedLibrary("dl")]),
        .target(name: "ZeroMQ", dependencies: ["CZeroMQ"]),
        // Fast in a debug build, too.
        .target(name: "CVectors", cSettings: [.unsafeFlags(["-O2"])], linkerSettings: [.linkedLibrary("zstd")]),
        .target(name: "Wire", dependencies: ["Recipe", "ContentStore", "CVectors"]),
        .target(name: "Coordination", dependencies: ["Recipe", "ContentStore", "CVectors", "Wire", "ZeroMQ"]),

        // The roof.
        .target(name: "Launching", dependencies: ["Recipe", crypto]),
        .target(name: "Monitor", dependencies: ["Recipe", logging]),
        .target(name: "Notices", dependencies: ["Launching", httpClient, nioCore, nioHTTP1]),
        .target(name: "Export", dependencies: ["Recipe", "Journal"]),
        .target(name: "Report", dependencies: ["Recipe", "Journal", "Export", "Monitor", crypto]),
        .target(
            name: "Dashboard",
            dependencies: ["Recipe", "Monitor", "Journal", hummingbird, httpClient, logging, crypto],
            // In the program itself, so that it stays one file.
            resources: [.embedInCode("Page")]),
        .executableTarget(
            name: "danlu",
            dependencies: [
                "Recipe", "Journal", "Training", "Evaluation", "Coordination", "Wire", "Monitor", "Notices",
                "Dashboard", "Launching", "Dataset", "Images", "StableDiffusion", "Adapters", "Layers", "Torch",
                "Safetensors", "ZeroMQ", "ContentStore", "Export", "Report", argumentParser, crypto, logging,
            ]),

        // What moving gradients costs: Cluster/bench/exchange. Needs no libtorch.
        .executableTarget(
            name: "ExchangeBenchmark", dependencies: ["Coordination", "Recipe", "Wire", "Monitor", argumentParser]),

        .testTarget(name: "RecipeTests", dependencies: ["Recipe"]),
        .testTarget(name: "JournalTests", dependencies: ["Journal", "Recipe", "ProgramSupport", grdb, sqlite]),
        .testTarget(name: "ContentStoreTests", dependencies: ["ContentStore", crypto]),
        .testTarget(name: "TorchTests", dependencies: ["Torch"]),
        .testTarget(name: "SafetensorsTests", dependencies: ["Safetensors"]),
        .testTarget(name: "StableDiffusionTests", dependencies: ["StableDiffusion", "Layers", "Torch", "Safetensors"]),
        .testTarget(
            name: "AdaptersTests", dependencies: ["Adapters", "StableDiffusion", "Layers", "Torch", "Safetensors"]),
        .testTarget(name: "DatasetTests", dependencies: ["Dataset", "Images", "Recipe"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: [
                "Training", "Recipe", "Dataset", "Adapters", "StableDiffusion", "Layers", "Torch", "Safetensors",
                "Images",
            ]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Training", "Recipe", "Dataset", "Adapters", "StableDiffusion", "Layers", "Torch",
                "Safetensors", "Images",
            ]),
        .testTarget(name: "ZeroMQTests", dependencies: ["ZeroMQ"]),
        // What several tests need, and no program does.
        .target(name: "TestSupport", path: "Tests/TestSupport"),
        .testTarget(name: "WireTests", dependencies: ["TestSupport", "Wire", "CVectors", "Recipe", "ContentStore"]),
        .testTarget(
            name: "CoordinationTests",
            dependencies: ["TestSupport", "Coordination", "Wire", "ZeroMQ", "Recipe", "ContentStore"]),
        .testTarget(name: "MonitorTests", dependencies: ["Monitor", "Recipe", logging]),
        .testTarget(name: "NoticesTests", dependencies: ["Notices", hummingbird, nioCore, nioHTTP1]),
        .testTarget(name: "ReportTests", dependencies: ["Report", "Journal", "Recipe"]),
        .testTarget(name: "ExportTests", dependencies: ["Export", "Journal", "Recipe", "ProgramSupport", crypto]),
        .testTarget(name: "DashboardTests", dependencies: ["Dashboard", "Journal", "Recipe", "ProgramSupport"]),
        .testTarget(name: "LaunchingTests", dependencies: ["danlu", "Launching", "Recipe", "ProgramSupport"]),
        // The program as its users start it.
        .target(name: "ProgramSupport", dependencies: [crypto, grdb], path: "Tests/ProgramSupport"),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "danlu", "ExchangeBenchmark", "ProgramSupport", "Coordination", "Monitor", "Journal", "Training",
                "Adapters", "StableDiffusion", "Layers", "Torch", "Safetensors", "Images", crypto, grdb,
            ]),
        // A coordinator in a process of its own, and what is done to its ports.
        .testTarget(
            name: "AttackTests",
            dependencies: ["ExchangeBenchmark", "ProgramSupport", "TestSupport", "Coordination", "Wire", "ZeroMQ"]),
        .testTarget(name: "LabTests", dependencies: ["danlu", "ProgramSupport", "TestSupport", "Journal"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)

// On a developer's machine a warning is a warning; in CI it is an error.
let strictness: [SwiftSetting] =
    ProcessInfo.processInfo.environment["CI"] == nil ? [] : [.unsafeFlags(["-warnings-as-errors"])]

for target in package.targets where !["CTorch", "CVectors", "CVips", "CZeroMQ"].contains(target.name) {
    target.swiftSettings =
        [
            .enableUpcomingFeature("ExistentialAny"),  // SE-0335
            .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
            .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
        ] + strictness
}
