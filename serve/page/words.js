// What the page says, in both languages.
export const WORDS = {
  id: {
    tagline: "Topik dan sikap tiap kalimat berita keamanan kawasan",
    codebook: "Buku kode", interface: "API", language: "Bahasa", paste: "Tempel artikel, atau jatuhkan berkas teks atau HTML di sini",
    label: "Labeli", file: "Pilih berkas", example: "Contoh", filters: "Saring", all: "Semua", review: "Perlu ditinjau", again: "Artikel lain",
    topics: "Topik", stances: "Sikap", close: "Tutup", working: "Melabeli …", empty: "Belum ada teks.", none: "Tidak ada label.",
    sentences: (n, s, r) => `${n} kalimat dalam ${s} detik, ${r} perlu ditinjau`, key: "Kunci API:", choose: "Pilih kalimat untuk melihat peluangnya.",
    explain: "Klik label untuk melihat kata yang menentukan.", yes: "ya", maybe: "tinjau", probability: "peluang", failed: "Gagal: ",
    support: "mendukung", oppose: "menentang", definitions: "Definisi", made: "Dilabeli oleh ",
    sample: "Sekretaris Jenderal Organisasi Kerja Sama Shanghai (SCO) menegaskan bahwa organisasi itu bukan blok militer dan tidak diarahkan terhadap negara mana pun. “Kami siap memerangi terorisme dan perdagangan narkoba bersama-sama,” ujarnya.\n\nSanksi sepihak, katanya, hanya menyengsarakan rakyat dan harus dicabut. Cuaca di ibu kota cerah sepanjang hari.",
  },
  en: {
    tagline: "Topics and stances of every sentence of regional security news",
    codebook: "Codebook", interface: "API", language: "Language", paste: "Paste an article, or drop a text or HTML file here",
    label: "Label", file: "Choose a file", example: "Example", filters: "Filter", all: "All", review: "For review", again: "Another article",
    topics: "Topics", stances: "Stances", close: "Close", working: "Labelling …", empty: "There is no text yet.", none: "No label.",
    sentences: (n, s, r) => `${n} sentences in ${s} seconds, ${r} for review`, key: "API key:", choose: "Choose a sentence to see its probabilities.",
    explain: "Click a label to see the words that carried it.", yes: "yes", maybe: "review", probability: "probability", failed: "Failed: ",
    support: "supports", oppose: "opposes", definitions: "Definitions", made: "Labelled by ",
    sample: "The Secretary-General of the Shanghai Cooperation Organisation said that the SCO is not a military bloc and is not directed against any country. “We are ready to fight terrorism and the drug trade together,” he said.\n\nUnilateral sanctions, he added, only hurt ordinary people and must be lifted. The weather in the capital was fine all day.",
  },
};
