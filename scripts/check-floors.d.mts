export interface FloorProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}
export declare const floors: readonly (readonly string[])[];
export declare const deterministic: readonly string[];
export declare function floorOf(path: string): string | undefined;
export declare function checkFile(path: string, text: string): FloorProblem[];
export declare function houseFiles(root: string): string[];
export declare function checkFloors(root: string): FloorProblem[];
