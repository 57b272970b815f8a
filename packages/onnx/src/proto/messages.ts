// The messages of an ONNX file, from the field numbers that the ONNX IR specification publishes
// (https://github.com/onnx/onnx/blob/main/docs/IR.md, IR version 13). Fields that are not listed (training information,
// device configurations, annotations of quantisation) are skipped. A field that a message does not have reads as its
// default: an empty text or list, 0, or nothing for a message.

export interface AttributeProto {
  readonly name: string;
  readonly refAttrName: string;
  readonly docString: string;
  readonly type: number;
  readonly f: number;
  readonly i: bigint;
  readonly s: Uint8Array;
  readonly t: TensorProto | undefined;
  readonly g: GraphProto | undefined;
  readonly sparseTensor: SparseTensorProto | undefined;
  readonly tp: TypeProto | undefined;
  readonly floats: readonly number[];
  readonly ints: readonly bigint[];
  readonly strings: readonly Uint8Array[];
  readonly tensors: readonly TensorProto[];
  readonly graphs: readonly GraphProto[];
  readonly sparseTensors: readonly SparseTensorProto[];
  readonly typeProtos: readonly TypeProto[];
}

export interface ValueInfoProto {
  readonly name: string;
  readonly type: TypeProto | undefined;
  readonly docString: string;
}

export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly overload: string;
  readonly attribute: readonly AttributeProto[];
  readonly docString: string;
  readonly metadataProps: readonly StringStringEntryProto[];
}

export interface ModelProto {
  readonly irVersion: bigint;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly docString: string;
  readonly graph: GraphProto | undefined;
  readonly metadataProps: readonly StringStringEntryProto[];
  readonly functions: readonly FunctionProto[];
}

export interface StringStringEntryProto {
  readonly key: string;
  readonly value: string;
}

export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name: string;
  readonly initializer: readonly TensorProto[];
  readonly sparseInitializer: readonly SparseTensorProto[];
  readonly docString: string;
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
  readonly valueInfo: readonly ValueInfoProto[];
}

export interface TensorProto {
  readonly dims: readonly bigint[];
  readonly dataType: number;
  readonly segment: SegmentProto | undefined;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly stringData: readonly Uint8Array[];
  readonly int64Data: readonly bigint[];
  readonly name: string;
  readonly docString: string;
  readonly rawData: Uint8Array;
  readonly externalData: readonly StringStringEntryProto[];
  readonly dataLocation: number;
  readonly doubleData: readonly number[];
  readonly uint64Data: readonly bigint[];
  readonly metadataProps: readonly StringStringEntryProto[];
}

export interface SegmentProto {
  readonly begin: bigint;
  readonly end: bigint;
}

export interface SparseTensorProto {
  readonly values: TensorProto | undefined;
  readonly indices: TensorProto | undefined;
  readonly dims: readonly bigint[];
}

export interface TensorShapeProto {
  readonly dim: readonly DimensionProto[];
}

/** At most one of both is set. */
export interface DimensionProto {
  readonly dimValue: bigint;
  readonly dimParam: string;
}

/** At most one of these is set. */
export interface TypeProto {
  readonly tensorType: TensorTypeProto | undefined;
  readonly sequenceType: ElementTypeProto | undefined;
  readonly mapType: MapTypeProto | undefined;
  readonly optionalType: ElementTypeProto | undefined;
  readonly sparseTensorType: TensorTypeProto | undefined;
  readonly opaqueType: OpaqueTypeProto | undefined;
}

export interface TensorTypeProto {
  readonly elemType: number;
  readonly shape: TensorShapeProto | undefined;
}

export interface ElementTypeProto {
  readonly elemType: TypeProto | undefined;
}

export interface MapTypeProto {
  readonly keyType: number;
  readonly valueType: TypeProto | undefined;
}

export interface OpaqueTypeProto {
  readonly domain: string;
  readonly name: string;
}

export interface OperatorSetIdProto {
  readonly domain: string;
  readonly version: bigint;
}

export interface FunctionProto {
  readonly name: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly string[];
  readonly attributeProto: readonly AttributeProto[];
  readonly node: readonly NodeProto[];
  readonly docString: string;
  readonly opsetImport: readonly OperatorSetIdProto[];
  readonly domain: string;
  readonly overload: string;
  readonly valueInfo: readonly ValueInfoProto[];
}

interface Messages {
  AttributeProto: AttributeProto;
  ValueInfoProto: ValueInfoProto;
  NodeProto: NodeProto;
  ModelProto: ModelProto;
  StringStringEntryProto: StringStringEntryProto;
  GraphProto: GraphProto;
  TensorProto: TensorProto;
  SegmentProto: SegmentProto;
  SparseTensorProto: SparseTensorProto;
  TensorShapeProto: TensorShapeProto;
  DimensionProto: DimensionProto;
  TypeProto: TypeProto;
  TensorTypeProto: TensorTypeProto;
  ElementTypeProto: ElementTypeProto;
  MapTypeProto: MapTypeProto;
  OpaqueTypeProto: OpaqueTypeProto;
  OperatorSetIdProto: OperatorSetIdProto;
  FunctionProto: FunctionProto;
}

export type MessageName = keyof Messages;
export type Message<N extends MessageName> = Messages[N];
export type ScalarKind = "string" | "bytes" | "int32" | "int64" | "uint64" | "float" | "double";

/** Each field of a message: its number and kind; `*` marks a list, `+` a list of numbers that is written packed. */
export type FieldTable<N extends MessageName> = {
  readonly [K in keyof Messages[N]]: readonly [
    number: number,
    kind: `${ScalarKind | MessageName}${"" | "*" | "+"}`,
  ];
};

const entries = "StringStringEntryProto*";

export const fieldTables: { readonly [N in MessageName]: FieldTable<N> } = {
  AttributeProto: {
    name: [1, "string"],
    f: [2, "float"],
    i: [3, "int64"],
    s: [4, "bytes"],
    t: [5, "TensorProto"],
    g: [6, "GraphProto"],
    floats: [7, "float*"],
    ints: [8, "int64*"],
    strings: [9, "bytes*"],
    tensors: [10, "TensorProto*"],
    graphs: [11, "GraphProto*"],
    docString: [13, "string"],
    tp: [14, "TypeProto"],
    typeProtos: [15, "TypeProto*"],
    type: [20, "int32"],
    refAttrName: [21, "string"],
    sparseTensor: [22, "SparseTensorProto"],
    sparseTensors: [23, "SparseTensorProto*"],
  },
  ValueInfoProto: { name: [1, "string"], type: [2, "TypeProto"], docString: [3, "string"] },
  NodeProto: {
    input: [1, "string*"],
    output: [2, "string*"],
    name: [3, "string"],
    opType: [4, "string"],
    attribute: [5, "AttributeProto*"],
    docString: [6, "string"],
    domain: [7, "string"],
    overload: [8, "string"],
    metadataProps: [9, entries],
  },
  ModelProto: {
    irVersion: [1, "int64"],
    producerName: [2, "string"],
    producerVersion: [3, "string"],
    domain: [4, "string"],
    modelVersion: [5, "int64"],
    docString: [6, "string"],
    graph: [7, "GraphProto"],
    opsetImport: [8, "OperatorSetIdProto*"],
    metadataProps: [14, entries],
    functions: [25, "FunctionProto*"],
  },
  StringStringEntryProto: { key: [1, "string"], value: [2, "string"] },
  GraphProto: {
    node: [1, "NodeProto*"],
    name: [2, "string"],
    initializer: [5, "TensorProto*"],
    docString: [10, "string"],
    input: [11, "ValueInfoProto*"],
    output: [12, "ValueInfoProto*"],
    valueInfo: [13, "ValueInfoProto*"],
    sparseInitializer: [15, "SparseTensorProto*"],
  },
  TensorProto: {
    dims: [1, "int64*"],
    dataType: [2, "int32"],
    segment: [3, "SegmentProto"],
    floatData: [4, "float+"],
    int32Data: [5, "int32+"],
    stringData: [6, "bytes*"],
    int64Data: [7, "int64+"],
    name: [8, "string"],
    rawData: [9, "bytes"],
    doubleData: [10, "double+"],
    uint64Data: [11, "uint64+"],
    docString: [12, "string"],
    externalData: [13, entries],
    dataLocation: [14, "int32"],
    metadataProps: [16, entries],
  },
  SegmentProto: { begin: [1, "int64"], end: [2, "int64"] },
  SparseTensorProto: { values: [1, "TensorProto"], indices: [2, "TensorProto"], dims: [3, "int64*"] },
  TensorShapeProto: { dim: [1, "DimensionProto*"] },
  DimensionProto: { dimValue: [1, "int64"], dimParam: [2, "string"] },
  TypeProto: {
    tensorType: [1, "TensorTypeProto"],
    sequenceType: [4, "ElementTypeProto"],
    mapType: [5, "MapTypeProto"],
    opaqueType: [7, "OpaqueTypeProto"],
    sparseTensorType: [8, "TensorTypeProto"],
    optionalType: [9, "ElementTypeProto"],
  },
  TensorTypeProto: { elemType: [1, "int32"], shape: [2, "TensorShapeProto"] },
  ElementTypeProto: { elemType: [1, "TypeProto"] },
  MapTypeProto: { keyType: [1, "int32"], valueType: [2, "TypeProto"] },
  OpaqueTypeProto: { domain: [1, "string"], name: [2, "string"] },
  OperatorSetIdProto: { domain: [1, "string"], version: [2, "int64"] },
  FunctionProto: {
    name: [1, "string"],
    input: [4, "string*"],
    output: [5, "string*"],
    attribute: [6, "string*"],
    node: [7, "NodeProto*"],
    docString: [8, "string"],
    opsetImport: [9, "OperatorSetIdProto*"],
    domain: [10, "string"],
    attributeProto: [11, "AttributeProto*"],
    valueInfo: [12, "ValueInfoProto*"],
    overload: [13, "string"],
  },
};

/** Codes of `AttributeProto.type`. */
export const AttributeCode = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  valueType: 13,
  valueTypes: 14,
} as const;

/** The code of `TensorProto.dataLocation` for data in another file. */
export const EXTERNAL = 1;
