select * from (values ('store', 'Stores', 'Magasins'), ('web', 'Web shop', 'Boutique en ligne'), ('app', 'App', 'Application')) as t(channel, label, label_fr)
