// What is known of documents, for each company by itself: nobody finds what another company has. A real service has a
// database, an object store and a queue here.
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';

/** The oldest goes when there are more: this is memory. */
const MOST_DOCUMENTS = 1_000;
const MOST_COMPANIES = 1_000;

const STEPS = 4;
const STEP_MS = 250;
const CHUNK_BYTES = 1_024;

const companies = new Map();

/** @param {string} companyId */
export function documentsOf(companyId) {
  const known = companies.get(companyId) ?? new Documents();
  companies.delete(companyId);
  companies.set(companyId, known);
  if (companies.size > MOST_COMPANIES) companies.delete(companies.keys().next().value);
  return known;
}

class Documents {
  #documents = new Map();
  /** Tells `progress`; each who listens is an open stream. */
  events = new EventEmitter().setMaxListeners(0);

  begin(file_name, file_type) {
    const document = { document_id: randomUUID(), status: 'uploaded', file_name, file_type, size: 0 };
    this.#documents.set(document.document_id, document);
    if (this.#documents.size > MOST_DOCUMENTS) this.#documents.delete(this.#documents.keys().next().value);
    this.tell(document, { message: 'Recibiendo.', received: 0 });
    return document;
  }

  /** The newest first. */
  all() {
    return [...this.#documents.values()].reverse();
  }

  /** @throws with a status of 404, also for what belongs to another company */
  find(id) {
    const document = this.#documents.get(id);
    if (!document) throw Object.assign(new Error('there is no such document'), { status: 404 });
    return document;
  }

  remove(document) {
    this.#documents.delete(document.document_id);
    this.tell(document, { status: 'error', message: 'La carga se interrumpió.' });
  }

  /** Goes on by itself. What is called "broken" fails the first time, so that there is something to try again. */
  process(document, size, { again = false } = {}) {
    const chunks = Math.ceil(size / CHUNK_BYTES);
    const fails = document.file_name.includes('broken') && !again;
    this.tell(document, { status: 'processing', size, received: size, chunk_count: chunks, message: 'Procesando.' });
    let step = 0;
    const timer = setInterval(() => {
      step += 1;
      const done = Math.ceil((chunks * step) / STEPS);
      if (step < STEPS) return this.tell(document, { milvus_chunk_count: done });
      clearInterval(timer);
      if (fails) return this.tell(document, { status: 'error', message: 'No se pudo leer el documento.' });
      return this.tell(document, { status: 'processed', milvus_chunk_count: done, message: 'Listo.' });
    }, STEP_MS);
  }

  /** Writes it down, and tells whoever listens. */
  tell(document, change) {
    Object.assign(document, change, { last_updated: new Date().toISOString() });
    this.events.emit('progress', { ...publicView(document), received: document.received });
  }
}

/** As clients see it. */
export function publicView({ document_id, status, file_name, file_type, chunk_count = 0, ...rest }) {
  const { milvus_chunk_count = 0, last_updated, message } = rest;
  const stored = status !== 'uploaded';
  return {
    ...{ document_id, status, file_name, file_type, chunk_count, minio_exists: stored, milvus_chunk_count },
    ...{ last_updated, message },
  };
}
