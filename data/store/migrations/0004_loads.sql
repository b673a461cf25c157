-- What a probe under load came to: stages, histograms, the generator's own watch, as one document.

ALTER TABLE store.probe ADD COLUMN load JSON;
