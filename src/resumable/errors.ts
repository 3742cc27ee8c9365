/** The program under execution is at fault: it did something that the model, or the machine it runs on, forbids. @since 0.2.0 */
export class ModelError extends Error {
  override name = "ModelError";
}

/** The program contradicts the symmetry that it declares; no fault of a schedule. @since 0.2.0 */
export class SymmetryError extends ModelError {
  override name = "SymmetryError";
}

/** A function cannot be made resumable; the message names file and line and what to write instead. @since 0.2.0 */
export class TransformError extends Error {
  override name = "TransformError";
}
