package import ContentStore
package import Foundation
package import Recipe
package import Wire

extension CoordinatorService {
    /// What a coordinator is told when it starts.
    package struct Configuration: Sendable {
        /// Port 0 lets the system choose both ports; otherwise bulk is at the next one.
        package var address: Address
        /// Who the coordinator is and whom it lets in; nil encrypts nothing and lets everybody in.
        package var identity: CoordinatorIdentity?
        /// Listen where other machines can reach it, although nothing is encrypted or authenticated.
        package var insecure = false
        package var runID: RunID
        /// Greater than at any earlier start of this run's coordinator.
        package var incarnation: UInt64
        /// What the program tells its workers about the run.
        package var run: Data
        package var software: String
        package var libtorch: String
        /// nil admits all; "" admits the first worker's class only.
        package var exactnessClass: String?
        package var threadsPerWorker = 1
        package var minimumWorkers = 1
        /// Whether a step is shared out by measured speed; otherwise evenly.
        package var sharesBySpeed = true
        package var topology = Topology.auto
        package var gradientFormat = GradientFormat.fp32
        /// How each step's change of the weights is written; fp32 sends the weights themselves.
        package var updateFormat = GradientFormat.fp32
        package var packing = Packing.auto
        package var chunkBytes = 128 << 10
        package var creditChunks = 64
        package var patience = Patience()
        /// The epoch of a step, from 1, and how many there are, for whoever asks how the run stands.
        package var epoch: @Sendable (_ step: Int) -> (number: Int, count: Int)? = { _ in nil }
        /// What else the program knows of the run, for whoever asks how it stands.
        package var progress: @Sendable () -> RunProgress? = { nil }
        /// How often ``Happening/standing(_:)`` is told; nil is never.
        package var watchInterval: Duration?
        /// What workers may fetch.
        package var contents = ContentShelf()

        package init(
            address: Address, runID: RunID, incarnation: UInt64, run: Data, software: String, libtorch: String
        ) {
            self.address = address
            self.runID = runID
            self.incarnation = incarnation
            self.run = run
            self.software = software
            self.libtorch = libtorch
        }
    }

    /// The decisions that such a coordinator begins with.
    static func decisions(
        _ configuration: Configuration, _ master: any Master, bulkPort: UInt16, plan: StepPlan
    ) -> Coordinator {
        let welcome = Welcome(
            run: configuration.run, bulkPort: bulkPort, parameterCount: master.parameterCount,
            chunkBytes: configuration.chunkBytes, creditChunks: configuration.creditChunks,
            threads: configuration.threadsPerWorker, gradientFormat: configuration.gradientFormat,
            updateFormat: configuration.updateFormat)
        var settings = Coordinator.Settings(
            run: configuration.runID, incarnation: configuration.incarnation,
            requirements: Requirements(
                software: configuration.software, libtorch: configuration.libtorch,
                exactnessClass: configuration.exactnessClass,
                shape: Status.Shape(
                    parameterCount: master.parameterCount, tableHash: master.shapeTableHash)),
            welcome: welcome)
        settings.requirements.mostWorkers = OpenFiles.roomForWorkers
        settings.patience = configuration.patience
        settings.minimumWorkers = configuration.minimumWorkers
        settings.sharesBySpeed = configuration.sharesBySpeed
        settings.topology = configuration.topology
        settings.packing = configuration.packing
        return Coordinator(settings, plan: plan)
    }
}
