import Foundation
import ProgramSupport
import Testing

extension `The lab` {
    @Test func `Case 13: two boxes have other models where the coordinator has its own`() async throws {
        try await scenario("wrong models") { cluster in
            let model = LabRecipe.model.appending(path: "unet/diffusion_pytorch_model.safetensors")
            var bytes = try Data(contentsOf: model)
            bytes[bytes.count - 1000] ^= 1
            let other = cluster.lab.folder.appending(path: "other.safetensors")
            try bytes.write(to: other)
            let short = cluster.lab.folder.appending(path: "short.safetensors")
            try bytes.prefix(bytes.count / 2).write(to: short)

            try cluster.startCoordinator("--min-workers", "3")
            try cluster.startWorker("box1")
            let misled = try [("box2", other), ("box3", short)].map { name, file in
                // Of what is mounted by `ip netns exec` and whom it starts nobody else sees anything.
                try Launched(
                    [
                        "netns", "exec", cluster.box(name).namespace, "/bin/sh", "-ec",
                        "mount --bind \"$1\" \"$2\"; shift 2; exec \"$@\"", "sh", file.path, model.path,
                        Launched.program(), "work", cluster.address, "--name", name, "--device", "cpu", "--key",
                        SharedKeys.folder.appending(path: "\(name).key").path,
                    ],
                    in: cluster.lab.folder, executable: "/usr/sbin/ip",
                    environment: ["XDG_CACHE_HOME": cluster.lab.folder.appending(path: "cache of \(name)").path])
            }
            try await cluster.finish()
            for worker in misled {
                let ended = try await cluster.end(of: worker, within: 30)
                let line = ended.errors.split(separator: "\n").first { $0.contains("fetched the base model: ") }
                #expect(ended.status == 0 && line != nil, "\(ended.errors)")
                cluster.say("\(line ?? "")")
            }
        }
    }
}
