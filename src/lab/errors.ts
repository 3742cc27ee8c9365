/** Why the lab cannot work here, and what to do about it: expected, no bug. */
export class LabError extends Error {
  readonly id: "lab-unavailable" | "lab-boot-failed" | "lab-interrupted" | "lab-usage";

  constructor(id: LabError["id"], text: string) {
    super(text);
    this.id = id;
  }
}
