/** What a file is, from its first bytes. */
import { describe, expect, it } from "vitest";
import { detectFormat } from "../../frontend/detect.ts";
import { networks } from "./build-model.ts";

/** One byte per letter. */
const encode = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe("detectFormat", () => {
  it("takes an ONNX model for one, without being certain", () => {
    const bytes = networks["conv-1d"]?.() ?? new Uint8Array();
    expect(detectFormat(bytes)).toMatchObject({ format: "onnx", certain: false });
  });

  it("knows a compiled network by the header of safetensors", () => {
    const header = encode('{"__metadata__":{}}');
    const bytes = new Uint8Array(8 + header.length);
    bytes[0] = header.length;
    bytes.set(header, 8);
    expect(detectFormat(bytes)).toMatchObject({ format: "snn", certain: true });
  });

  it.each([
    ['{"format":"graph-model","modelTopology":{}}', "tfjs", "TensorFlow.js"],
    ['{"a": 1}', "unknown", "JSON"],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:00", "unknown", "Git LFS"],
    ["<!DOCTYPE html><html>", "unknown", "HTML"],
    ["hello world", "unknown", "text"],
    ["PK\u0003\u0004rest", "unknown", "zip"],
    ["\u0089HDF", "unknown", "HDF5"],
    ["    TFL3", "unknown", "TensorFlow Lite"],
  ])("says what %j is", (text, format, word) => {
    const found = detectFormat(encode(text));
    expect(found.format).toBe(format);
    expect(found.what).toContain(word);
    expect(found.hint).not.toBe("");
  });
});
