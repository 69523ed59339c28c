// The record of a model, which is all that is known about it besides its weights: the content of its config.json.

/**
 * The content of a model's config.json, as plain data: among other things `preprocessing`, `classNames` and `data`.
 */
export type ModelRecord = Readonly<Record<string, unknown>>;

const records = new WeakMap<object, ModelRecord>();

/** Keeps the record of a model, which was read with it or is that of its run, as long as the model lives. */
export function keepRecord(model: object, record: ModelRecord): void {
  records.set(model, record);
}

/** The record of a model that was loaded or trained; empty for another. */
export function recordOfModel(model: object): ModelRecord {
  return records.get(model) ?? {};
}
