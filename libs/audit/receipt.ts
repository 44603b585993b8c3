/** A durable record: `w.seq.hash`, a head of the chain that the caller holds. */
export interface RecordHead {
  readonly w: string;
  readonly seq: number;
  /** base64url(SHA-256) over the record's canonical bytes with the domain label: what the next record's `prev` says. */
  readonly hash: string;
}
