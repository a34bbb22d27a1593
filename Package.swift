// swift-tools-version: 6.2
import PackageDescription

/// The language rules of every Swift target of ours: Swift 6 mode, explicit existentials, imports that say what a file
/// uses, no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "streambridge",
    products: [
        .executable(name: "bridge", targets: ["bridge"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // librdkafka, with a shim for its variadic functions. A normal C target, because SwiftPM rebuilds on an edit of
        // its header.
        .target(
            name: "CKafka",
            linkerSettings: [.linkedLibrary("rdkafka")]
        ),
        // libmongoc and libbson.
        .systemLibrary(name: "CMongo", pkgConfig: "libmongoc-1.0", providers: [.apt(["libmongoc-dev"])]),
        // OpenSSL's libcrypto, which libmongoc and librdkafka use as well.
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        // HMAC-SHA-256. Knows nobody.
        .target(name: "Hashing", dependencies: ["COpenSSL"], swiftSettings: strict),
        // Threads, the stop, hand-off, backoff, clocks and byte buffers. Knows nobody.
        .target(name: "Runtime", swiftSettings: strict),
        // MongoDB: clients, change streams, BSON, Extended JSON and field rules. Knows nothing of Kafka.
        .target(name: "Mongo", dependencies: ["CMongo", "Hashing", "Runtime"], swiftSettings: strict),
        // Kafka: clients, producers, consumers, records. The only one that imports CKafka. Knows nothing of MongoDB.
        .target(
            name: "Kafka",
            dependencies: ["CKafka", "Runtime", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict
        ),
        // The bridge itself: docs/ARCHITECTURE.md has its layers, which scripts/lint checks.
        .target(
            name: "StreamBridge",
            dependencies: [
                "Runtime",
                "Hashing",
                "Mongo",
                "Kafka",
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ],
            // The page is part of the binary, which stays one file to copy.
            resources: [.embedInCode("HTTP/page.html")],
            swiftSettings: strict
        ),
        // The command line: arguments, signals, printing, exit status.
        .executableTarget(
            name: "bridge",
            dependencies: [
                "Runtime", "Mongo", "Kafka", "StreamBridge",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "BridgeTests",
            dependencies: [
                "Runtime", "Hashing", "Mongo", "Kafka", "StreamBridge", "CKafka", "CMongo",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.copy("Fixtures")],
            swiftSettings: strict
        ),
    ]
)
