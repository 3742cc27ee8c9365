import { expect, test } from "vitest";
import { dependenciesOf, loadingOrder, moduleNameOf } from "./modules.ts";

const module = (depends: string): Buffer =>
  Buffer.from(`\x7fELF code text depends=nobody\0license=GPL\0depends=${depends}\0retpoline=Y\0\0`, "latin1");

test("dependencies are read from .modinfo, not from text of the code", () => {
  expect(dependenciesOf(module("virtio,virtio_ring"))).toEqual(["virtio", "virtio_ring"]);
  expect(dependenciesOf(module(""))).toEqual([]);
  expect(dependenciesOf(Buffer.from("no modinfo depends=x"))).toEqual([]);
});

test("a module comes after what it needs, each once, built-in ones not at all", () => {
  const files: Record<string, Buffer> = {
    virtio_blk: module("virtio,virtio_ring"),
    virtio_pci: module("virtio_ring,virtio_pci_modern_dev,virtio"),
    virtio_pci_modern_dev: module(""),
    virtio_ring: module(""),
  };
  const order = loadingOrder(["virtio_pci", "virtio_blk", "ext4"], (name) => files[name]);
  expect(order.map((m) => m.name)).toEqual(["virtio_ring", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"]);
});

test("a circle of dependencies ends", () => {
  const files: Record<string, Buffer> = { a: module("b"), b: module("a") };
  expect(loadingOrder(["a"], (name) => files[name]).map((m) => m.name)).toEqual(["b", "a"]);
});

test("names of module files", () => {
  expect(moduleNameOf("virtio-rng.ko")).toBe("virtio_rng");
  expect(moduleNameOf("dm-mod.ko.xz")).toBe("dm_mod");
  expect(moduleNameOf("modules.order")).toBeUndefined();
});
